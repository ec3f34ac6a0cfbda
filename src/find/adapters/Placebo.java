import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A row of fixtures.json, a resource on the class path, for each JUnit test: {@code JsonNode row = Placebo.next();} then
 * {@code row.get("TABLE")}. No other test gets the row. Forks have a pool each: {@code -Dplacebo.worker=0}, {@code 1}, … (Surefire:
 * {@code ${surefire.forkNumber}} counts from 1). fixtures-N.csv is pool N for {@code @CsvFileSource(numLinesToSkip = 1)}; use one of
 * the two. A pool without rows fails the test.
 */
public final class Placebo {
    private static final int WORKER = Integer.getInteger("placebo.worker", 0);
    private static final AtomicInteger AT = new AtomicInteger();
    private static final JsonNode POOL = pool();

    private Placebo() {}

    public static JsonNode next() {
        int at = AT.getAndIncrement();
        if (POOL == null || at >= POOL.size()) {
            String has = POOL == null ? "has no pool" : "has used its " + POOL.size() + " rows";
            throw new IllegalStateException("placebo: worker " + WORKER + " " + has + ": placebo find … --workers N --each K");
        }
        return POOL.get(at);
    }

    private static JsonNode pool() {
        try (InputStream in = Placebo.class.getResourceAsStream("/fixtures.json")) {
            return new ObjectMapper().readTree(in).get("pools").get(WORKER);
        } catch (IOException error) {
            throw new IllegalStateException("placebo: fixtures.json: " + error.getMessage(), error);
        }
    }
}
