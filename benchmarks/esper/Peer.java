import com.espertech.esper.common.client.EventBean;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPDeployment;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The five rules of benchmarks/rules.py in Esper: `java -cp … Peer ROWS FIRINGS LIMITS`,
 * after javac (Esper loads the event's class by name, so a source launch does not do).
 *
 * ROWS: little-endian doubles, four a row: time (ms), device, a, b. FIRINGS: what fired in the last
 * round, big-endian longs, two each: rule * 1e9 + device, time. A rule fires on a row where its
 * condition holds and did not hold on the device's row before: Esper tells every row that holds, and
 * the listener keeps which came first, which costs it an array access. A line on stdin asks for a round, a line on
 * stdout says the seconds that it took. Internal clock off, one thread, events known beforehand.
 */
public class Peer {
    static final int RULES = 5;

    public static final class Reading {
        public final long ts;
        public final int device;
        public final double a;
        public final double b;
        final int nth; // of its device

        Reading(long ts, int device, double a, double b, int nth) {
            this.ts = ts;
            this.device = device;
            this.a = a;
            this.b = b;
            this.nth = nth;
        }

        public long getTs() { return ts; }
        public int getDevice() { return device; }
        public double getA() { return a; }
        public double getB() { return b; }
    }

    static final String[] STATEMENTS = {
        "select * from Reading(a > %1$s)",
        "select * from Reading(b < %2$s)",
        "select * from Reading#groupwin(device)#ext_timed(ts, 5 min)"
            + " group by device having avg(a) > %3$s",
        "select * from Reading#groupwin(device)#length(2)"
            + " where (a - prev(1, a)) / (ts - prev(1, ts)) * 60000 > %4$s",
        "select * from Reading#groupwin(device)#length(3)"
            + " group by device having count(*) = 3 and min(b) > %5$s",
    };

    static int[][] last;
    static long[] fired = new long[1 << 16];
    static int count;
    static Reading now;

    public static void main(String[] args) throws Exception {
        Reading[] rows = read(Path.of(args[0]));
        int devices = 0;
        for (Reading r : rows) devices = Math.max(devices, r.device + 1);
        Object[] limits = args[2].split(",");
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (int round = 0; asked.readLine() != null; round++) {
            EPRuntime runtime = deploy("round-" + round, limits);
            last = new int[RULES][devices];
            count = 0;
            long began = System.nanoTime();
            for (Reading row : rows) {
                now = row;
                runtime.getEventService().sendEventBean(row, "Reading");
            }
            System.out.println((System.nanoTime() - began) / 1e9);
            runtime.destroy();
            System.gc();
        }
        try (DataOutputStream out = new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(Path.of(args[1]))))) {
            for (int i = 0; i < 2 * count; i++) out.writeLong(fired[i]);
        }
    }

    static Reading[] read(Path file) throws Exception {
        DoubleBuffer all = ByteBuffer.wrap(Files.readAllBytes(file))
            .order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer();
        Reading[] rows = new Reading[all.limit() / 4];
        int[] seen = new int[1 << 20];
        for (int i = 0; i < rows.length; i++) {
            int device = (int) all.get(4 * i + 1);
            rows[i] = new Reading(
                (long) all.get(4 * i), device, all.get(4 * i + 2), all.get(4 * i + 3),
                ++seen[device]);
        }
        return rows;
    }

    static EPRuntime deploy(String uri, Object[] limits) throws Exception {
        Configuration configuration = new Configuration();
        configuration.getCommon().addEventType("Reading", Reading.class);
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
        EPRuntime runtime = EPRuntimeProvider.getRuntime(uri, configuration);
        for (int i = 0; i < RULES; i++) {
            final int rule = i;
            String name = "rule" + i;
            EPDeployment deployment = runtime.getDeploymentService().deploy(
                EPCompilerProvider.getCompiler().compile(
                    "@name('" + name + "') " + String.format(STATEMENTS[i], limits),
                    new CompilerArguments(configuration)));
            runtime.getDeploymentService().getStatement(deployment.getDeploymentId(), name)
                .addListener((fresh, old, statement, by) -> holds(rule, fresh));
        }
        return runtime;
    }

    /** The condition of a rule holds on the row that is being sent. */
    static void holds(int rule, EventBean[] fresh) {
        if (fresh == null) return;
        Reading row = now;
        int before = last[rule][row.device];
        last[rule][row.device] = row.nth;
        if (before != 0 && before == row.nth - 1) return;
        if (2 * count + 2 > fired.length) fired = java.util.Arrays.copyOf(fired, 2 * fired.length);
        fired[2 * count] = rule * 1_000_000_000L + row.device;
        fired[2 * count + 1] = row.ts;
        count++;
    }
}
