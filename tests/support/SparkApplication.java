import java.util.Arrays;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/** An application that runs one small job and then stays until its standard input ends. */
public class SparkApplication {
    public static void main(String[] arguments) throws Exception {
        SparkConf configuration = new SparkConf();
        System.getProperties().forEach((key, value) -> {
            if (key.toString().startsWith("carbon.")) {
                configuration.set(key.toString(), value.toString());
            }
        });
        JavaSparkContext context = new JavaSparkContext(configuration);
        System.out.println("counted " + context.parallelize(Arrays.asList(1, 2, 3)).count());
        while (System.in.read() >= 0) {
        }
        context.stop();
    }
}
