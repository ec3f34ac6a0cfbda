//! One integration crate: through the user's door wherever that is possible.



mod expressions;
mod layers;

mod run;
