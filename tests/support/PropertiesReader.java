import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Properties;
import java.util.TreeSet;

/** Reads one file a line (Base64) the way Spark reads its defaults, and prints its keys and values (Base64) on one line. */
class PropertiesReader {
    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            System.out.println(read(Base64.getDecoder().decode(line)));
        }
    }

    private static String read(byte[] file) throws Exception {
        Properties properties = new Properties();
        try {
            properties.load(new InputStreamReader(new ByteArrayInputStream(file), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException malformed) {
            return "malformed";
        }
        StringBuilder found = new StringBuilder();
        for (String key : new TreeSet<>(properties.stringPropertyNames())) {
            found.append(encoded(key)).append('=').append(encoded(properties.getProperty(key).trim())).append(' ');
        }
        return found.toString();
    }

    private static String encoded(String text) {
        return Base64.getEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
