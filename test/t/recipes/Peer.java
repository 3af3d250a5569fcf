// Runs the recipe of the guide for JDBC, as peer.mjs does: each line of the input is a
// request, each line of the output its answer.

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.ds.PGPoolingDataSource;

@SuppressWarnings("deprecation") // the driver's own pool needs no other library
final class Peer {
    private static final PGPoolingDataSource POOL = new PGPoolingDataSource();
    private static final ExecutorService THREADS = Executors.newFixedThreadPool(20, Peer::daemon);

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        String line;

        POOL.setUrl(arguments[0]);
        POOL.setUser(arguments[1]);
        POOL.setMaxConnections(10);
        while ((line = input.readLine()) != null) {
            System.out.println(handle(new Gson().fromJson(line, JsonObject.class)));
        }
        System.exit(0);
    }

    // Does not keep a program that has failed.
    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task);

        thread.setDaemon(true);
        return thread;
    }

    private static JsonElement handle(JsonObject request) throws Exception {
        List<Callable<JsonElement>> calls = new ArrayList<>();
        JsonArray all = new JsonArray();

        if (request.has("together")) {
            for (JsonElement each : request.getAsJsonArray("together")) {
                calls.add(() -> answer(each.getAsJsonObject()));
            }
            for (Future<JsonElement> each : THREADS.invokeAll(calls)) {
                all.add(each.get());
            }
            return all;
        }
        if (!request.has("outside")) {
            return answer(request);
        }
        for (int number = 0; number < request.get("outside").getAsInt(); number++) {
            calls.add(() -> beside(connection -> sql(connection, text(request, "text"))));
        }
        for (Future<JsonElement> each : THREADS.invokeAll(calls)) {
            all.addAll(each.get().getAsJsonArray());
        }
        return rows(all);
    }

    private static JsonObject answer(JsonObject request) {
        boolean[] ran = {false};

        try {
            return rows(Notes.withToken(POOL, text(request, "token"), connection -> {
                ran[0] = true;
                return run(connection, request);
            }));
        } catch (SQLException | RuntimeException error) {
            return failure(error, ran[0]);
        }
    }

    private static JsonElement run(Connection connection, JsonObject request) throws SQLException {
        String body = text(request, "body");

        switch (text(request, "work")) {
            case "list":
                return bodies(connection);
            case "add":
                Notes.add(connection, body);
                return bodies(connection);
            case "sql":
                return sql(connection, text(request, "text"));
            case "astray":
                return beside(Peer::bodies);
            case "unbound":
                beside(other -> sql(other, "SELECT jwt_authenticate('" + text(request, "token") + "', true)"));
                return beside(Peer::bodies);
            case "fail":
                Notes.add(connection, body);
                throw new IllegalStateException("of the application");
            case "swallow":
                Notes.add(connection, body);
                ignore(connection);
                return new JsonArray();
            case "savepoint":
                Notes.add(connection, body);
                Savepoint savepoint = connection.setSavepoint();
                ignore(connection);
                connection.rollback(savepoint);
                return bodies(connection);
            default:
                throw new IllegalArgumentException("no such work");
        }
    }

    private static void ignore(Connection connection) {
        try {
            sql(connection, "SELECT 1 / 0");
        } catch (SQLException expected) {
            return;
        }
        throw new IllegalStateException("nothing to ignore");
    }

    private static JsonElement beside(Notes.Work<JsonElement> work) throws SQLException {
        try (Connection connection = POOL.getConnection()) {
            return work.run(connection);
        }
    }

    private static JsonArray bodies(Connection connection) throws SQLException {
        return new Gson().toJsonTree(Notes.list(connection)).getAsJsonArray();
    }

    private static JsonArray sql(Connection connection, String text) throws SQLException {
        JsonArray all = new JsonArray();

        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(text)) {
            while (rows.next()) {
                all.add(rows.getString(1));
            }
        }
        return all;
    }

    private static String text(JsonObject request, String name) {
        return request.has(name) ? request.get(name).getAsString() : null;
    }

    private static JsonObject rows(JsonElement all) {
        JsonObject answer = new JsonObject();

        answer.add("rows", all);
        return answer;
    }

    private static JsonObject failure(Exception error, boolean ran) {
        JsonObject answer = new JsonObject();
        String state = error instanceof SQLException ? ((SQLException) error).getSQLState() : null;
        StringWriter logged = new StringWriter();

        error.printStackTrace(new PrintWriter(logged));
        answer.addProperty("sqlstate", state);
        answer.addProperty("status", state == null ? 500 : state.matches("28J0[0-4]") ? 401 : state.equals("42501") ? 403 : 500);
        answer.addProperty("ran", ran);
        answer.addProperty("logged", logged.toString());
        return answer;
    }
}
