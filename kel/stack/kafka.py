"""Apache Kafka as a child: one node, KRaft, from the jars that set-up has gathered."""

import base64
import subprocess
import uuid
from pathlib import Path

from kel.stack.child import Child, PartError
from kel.stack.folder import ROOT, free_port, private
from kel.stack.mosquitto import wait_for_port

JARS = ROOT / ".kel/kafka/lib"
# A demo's Kafka starts more often than it runs long: the quick compiler alone, a small heap.
JAVA = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=8388608
"""


class Kafka:
    def __init__(self, folder: Path) -> None:
        if not any(JARS.glob("kafka_*.jar")):
            raise PartError("Kafka's jars are missing: run `make setup`")
        self.port = free_port()
        self._folder = private(folder / "kafka", None)
        self._log = folder / "kafka.log"
        self._properties = self._folder / "server.properties"
        data = self._folder / "data"
        self._properties.write_text(
            PROPERTIES.format(port=self.port, controller=free_port(), data=data)
        )
        self._classpath = f"{JARS}/*"
        self.child = Child(
            "kafka",
            [*JAVA, "-cp", self._classpath, "kafka.Kafka", self._properties],
            self._log,
        )

    def ready(self) -> None:
        wait_for_port(self.child, self.port, 60)

    def prepare(self) -> None:
        """Make the folder with a new cluster id."""
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*JAVA, "-cp", self._classpath, "kafka.tools.StorageTool", "format"]
        try:
            done = subprocess.run(  # noqa: S603
                [*command, f"--cluster-id={cluster}", "-c", self._properties],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except FileNotFoundError as error:
            raise PartError("there is no Java: run `make setup`") from error
        if done.returncode:
            raise PartError(f"Kafka's folder could not be made:\n{done.stdout}{done.stderr}")
