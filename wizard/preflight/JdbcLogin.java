import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Driver;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/**
 * Logs in with the driver on the class path, as the servers do, and tells how that went.
 *
 * Reads from standard input, each as a length (four bytes) and UTF-8 text: driver class, URL, user, password,
 * validation query. Writes one line: OK, or FAILED and each exception of the chain as class, SQL state, number and
 * message; a driver that does not accept the URL has the class REFUSED.
 * Ends when standard input does, so that it never outlives whoever started it. Written for Java 7 and later.
 */
public class JdbcLogin {

    private static final char SEPARATOR = '\u001f';
    private static final String FAILED = "FAILED\u001e";

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        DataInputStream in = new DataInputStream(System.in);
        String driverClass = read(in);
        String url = read(in);
        Properties login = new Properties();
        login.setProperty("user", read(in));
        login.setProperty("password", read(in));
        String query = read(in);
        endWithInput(in);
        String line;
        try {
            line = logIn(driverClass, url, login, query);
        } catch (Throwable problem) {
            line = chain(problem);
        }
        out.println(line.replace('\n', ' ').replace('\r', ' '));
        out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static String logIn(String driverClass, String url, Properties login, String query)
            throws Exception {
        // The driver of that class itself: the DriverManager might choose another one.
        Driver driver = (Driver) Class.forName(driverClass).newInstance();
        Connection connection = driver.connect(url, login);
        if (connection == null) {
            return FAILED + "REFUSED" + SEPARATOR + SEPARATOR + 0 + SEPARATOR + "the driver does not accept this URL";
        }
        try {
            Statement statement = connection.createStatement();
            ResultSet result = statement.executeQuery(query);
            result.next();
            DatabaseMetaData about = connection.getMetaData();
            return "OK" + SEPARATOR + about.getDriverVersion() + SEPARATOR + about.getDatabaseProductVersion();
        } finally {
            connection.close();
        }
    }

    private static String chain(Throwable problem) {
        StringBuilder line = new StringBuilder();
        for (int depth = 0; problem != null && depth < 8; depth++) {
            String state = "";
            int number = 0;
            if (problem instanceof SQLException) {
                state = String.valueOf(((SQLException) problem).getSQLState());
                number = ((SQLException) problem).getErrorCode();
            }
            line.append(depth == 0 ? FAILED : "\u001e").append(problem.getClass().getName()).append(SEPARATOR).append(state);
            line.append(SEPARATOR).append(number).append(SEPARATOR).append(problem.getMessage());
            problem = problem.getCause();
        }
        return line.toString();
    }

    private static String read(DataInputStream in) throws IOException {
        byte[] text = new byte[in.readInt()];
        in.readFully(text);
        return new String(text, "UTF-8");
    }

    private static void endWithInput(final DataInputStream in) {
        Thread watch = new Thread() {
            @Override
            public void run() {
                try {
                    while (in.read() >= 0) {
                        continue;
                    }
                } catch (IOException gone) {
                    // The same: nobody waits for an answer any more.
                }
                Runtime.getRuntime().halt(1);
            }
        };
        watch.setDaemon(true);
        watch.start();
    }
}
