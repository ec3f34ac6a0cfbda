import static io.gatling.javaapi.core.CoreDsl.csv;

import io.gatling.javaapi.core.FeederBuilder;

/**
 * The rows of fixtures-N.csv, a resource, for Gatling: {@code feed(PlaceboFeeder.TABLE())}, once in a scenario. A queue gives each line
 * out once, and Gatling stops the run when it is empty. Engines have a file each: {@code -Dplacebo.engine=0}, {@code 1}, …
 */
public final class PlaceboFeeder {
    private static final FeederBuilder<String> ROWS = csv("fixtures-" + Integer.getInteger("placebo.engine", 0) + ".csv").queue();

    private PlaceboFeeder() {}

    public static FeederBuilder<String> TABLE() {
        return ROWS;
    }
}
