import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * The word count of Kafka Streams' own documentation, over values of the form "WORD ANYTHING".
 *
 * Arguments: key=value, Streams settings and two of our own: rig.input and rig.output, topics.
 *
 * Topics of its own: APPLICATION-words-repartition (WORD, the value) and APPLICATION-counts-changelog (WORD, eight bytes).
 * The output is (WORD, the count as text).
 *
 * Output lines: state STATE | error TEXT. It runs until it is killed.
 */
public final class WordCount {
    public static void main(String[] args) {
        Properties config = new Properties();
        for (String arg : args) {
            int at = arg.indexOf('=');
            config.put(arg.substring(0, at), arg.substring(at + 1));
        }
        String input = (String) config.remove("rig.input");
        String output = (String) config.remove("rig.output");

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(input, Consumed.with(Serdes.String(), Serdes.String()))
            .selectKey((key, value) -> value.split(" ")[0])
            .groupByKey(Grouped.with("words", Serdes.String(), Serdes.String()))
            .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .mapValues(count -> Long.toString(count))
            .to(output, Produced.with(Serdes.String(), Serdes.String()));

        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, was) -> say("state\t" + now));
        streams.setUncaughtExceptionHandler(e -> {
            say("error\t" + e);
            e.printStackTrace();
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.start();
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
