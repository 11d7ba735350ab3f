"""The contract appbur.contract.v1 over grpcio: framing, checks, retries and errors. Nothing here knows notes."""

import hashlib
import queue
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait

import grpc

import wire_pb2 as wire
from appbur.contract.v1 import contract_pb2 as pb
from rows import canonical, crc32c, encode, parse

SERVICE = "appbur.contract.v1.AppState"
MEDIA_TYPE = "application/x-ndjson"
OPERATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
SCHEMA = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
CHUNK, ROW, PAYLOAD, EXPORTS = 256 << 10, 1 << 20, 64 << 20, 4
RETENTION, KEPT, HEARTBEAT = 24 * 3600, 100, 10  # seconds, results, seconds

CODES = {
    "INVALID_REQUEST": "INVALID_ARGUMENT", "NO_COMMON_VERSION": "FAILED_PRECONDITION", "PAYLOAD_INVALID": "INVALID_ARGUMENT",
    "SCHEMA_TOO_NEW": "FAILED_PRECONDITION", "SCHEMA_TOO_OLD": "FAILED_PRECONDITION", "UNKNOWN_DATASET": "NOT_FOUND",
    "WRONG_APP": "FAILED_PRECONDITION", "OPERATION_IN_PROGRESS": "ABORTED", "OPERATION_CONFLICT": "ALREADY_EXISTS",
    "OFFSET_MISMATCH": "OUT_OF_RANGE", "CHECKSUM_MISMATCH": "DATA_LOSS", "TOO_LARGE": "RESOURCE_EXHAUSTED",
    "CONSTRAINT_VIOLATION": "FAILED_PRECONDITION", "CAPABILITY_MISSING": "UNIMPLEMENTED", "APP_FAILED": "INTERNAL",
    "TOO_MANY_OPERATIONS": "RESOURCE_EXHAUSTED",
}
RETRIED = {"OPERATION_IN_PROGRESS", "OFFSET_MISMATCH", "CHECKSUM_MISMATCH", "TOO_MANY_OPERATIONS"}


class Failure(Exception):
    """A call that failed for a reason of the closed list."""

    def __init__(self, reason, message, **metadata):
        super().__init__(message)
        self.reason, self.metadata = reason, metadata

    def abort(self, context):
        code = grpc.StatusCode[CODES[self.reason]]
        status = wire.Status(code=code.value[0], message=str(self))

        def detail(name, message):
            status.details.add(type_url="type.googleapis.com/google.rpc." + name, value=message.SerializeToString())

        detail("ErrorInfo", wire.ErrorInfo(reason=self.reason, domain="appbur.dev", metadata=self.metadata))
        if self.reason in RETRIED:
            retry = wire.RetryInfo()
            retry.retry_delay.FromSeconds(2)
            detail("RetryInfo", retry)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, str(self))


def operation(request):
    if not OPERATION.fullmatch(request.operation_id):
        raise Failure("INVALID_REQUEST", "operation_id is not 1 to 128 characters of A-Z a-z 0-9 . _ -")
    return request.operation_id


def manifest(app, datasets):
    """The digest of what an export gave or an import announced (SPEC.md, section 4)."""
    text = f"appbur manifest v1\napp {app}\n"
    for d in sorted(datasets, key=lambda d: d.name):
        text += f"{d.name} {d.schema} {d.rows} {d.bytes} {d.sha256.hex()}\n"
    return hashlib.sha256(text.encode()).digest()


class Part:
    """One announced payload of an import, as it arrives."""

    def __init__(self, announced, dataset):
        self.announced, self.dataset, self.data = announced, dataset, bytearray()

    def take(self, chunk):
        name = self.announced.name
        if not chunk.data:
            raise Failure("INVALID_REQUEST", f"dataset {name}: a chunk is empty")
        if len(chunk.data) > CHUNK:
            raise Failure("TOO_LARGE", f"dataset {name}: a chunk has {len(chunk.data)} bytes, allowed are {CHUNK}", dataset=name)
        if crc32c(chunk.data) != chunk.crc32c:
            raise Failure("CHECKSUM_MISMATCH", f"dataset {name}: the chunk at {chunk.offset} differs from its checksum", dataset=name)
        if chunk.offset == 0:
            self.data.clear()
        if chunk.offset != len(self.data):
            raise Failure("OFFSET_MISMATCH", f"dataset {name}: a chunk starts at {chunk.offset}", dataset=name, expected=str(len(self.data)))
        self.data += chunk.data
        if len(self.data) > self.announced.bytes:
            raise Failure("INVALID_REQUEST", f"dataset {name}: more bytes than announced")

    def rows(self):
        """The rows in the current schema, and how many lost what a step drops, by path."""
        name, rows, lost, last = self.announced.name, [], {}, None
        if len(self.data) != self.announced.bytes:
            raise Failure("INVALID_REQUEST", f"dataset {name}: {len(self.data)} of {self.announced.bytes} bytes came", dataset=name)
        if hashlib.sha256(self.data).digest() != self.announced.sha256:
            raise Failure("CHECKSUM_MISMATCH", f"dataset {name}: the bytes differ from their digest", dataset=name)
        step, changes = self.dataset.upcasts.get(self.announced.schema, (lambda row: row, ()))
        lines = bytes(self.data).split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            if len(line) > ROW:
                raise Failure("TOO_LARGE", f"dataset {name}: row {number} is too long", dataset=name, row=str(number))
            try:
                old = parse(line)
                canonical(old).encode()
                row = step(old)
                self.dataset.check(row)
                key = row[self.dataset.key].encode()
                if last is not None and key <= last:
                    raise ValueError("it is out of order")
            except ValueError as e:
                raise Failure("PAYLOAD_INVALID", f"dataset {name}: row {number}: {e}", dataset=name, row=str(number)) from None
            for change in changes:
                if change["op"] == "DROP" and change["path"][1:] in old:
                    lost[change["path"]] = lost.get(change["path"], 0) + 1
            rows.append(row)
            last = key
        if lines[-1] or len(rows) != self.announced.rows:
            raise Failure("PAYLOAD_INVALID", f"dataset {name}: {self.announced.rows} rows were announced, {len(rows)} whole ones came", dataset=name)
        return rows, [pb.Dropped(path=p, rows=n, declared=True, **{"from": self.announced.schema, "to": self.dataset.schema})
                      for p, n in lost.items()]


def patiently(beat, work, *arguments):
    """Does what may take long, and says something to the caller meanwhile."""
    with ThreadPoolExecutor(1) as worker:
        result = worker.submit(work, *arguments)
        while not wait([result], HEARTBEAT).done:
            yield beat
        return result.result()


class AppState:
    """The calls of the contract."""

    def __init__(self, app, version, datasets, store):
        self.app, self.version, self.datasets, self.store = app, version, {d.name: d for d in datasets}, store
        self.instance = str(uuid.uuid4())
        self.importing, self.exporting = threading.Lock(), threading.Semaphore(EXPORTS)

    def GetInfo(self, request, _):
        if "v1" not in request.contract_versions:
            if not request.contract_versions:
                raise Failure("INVALID_REQUEST", "the caller names no version of the contract")
            raise Failure("NO_COMMON_VERSION", "this application and the caller share no version of the contract",
                          caller=",".join(request.contract_versions), application="v1")
        info = pb.GetInfoResponse(contract_version="v1", app_id=self.app, app_version=self.version, instance_id=self.instance)
        limits = info.limits
        limits.max_chunk_bytes, limits.max_row_bytes, limits.max_payload_bytes, limits.max_parallel_exports = CHUNK, ROW, PAYLOAD, EXPORTS
        limits.operation_retention.FromSeconds(RETENTION)
        limits.export_lease.FromSeconds(0)  # nothing is kept of what broke
        limits.import_lease.FromSeconds(0)
        for d in self.datasets.values():
            described = info.datasets.add(name=d.name, schema=d.schema, reads=d.reads, media_type=MEDIA_TYPE, key=[d.key], sensitive=d.sensitive,
                                          depends_on=d.depends_on, unknown_fields=pb.UNKNOWN_FIELDS_REFUSE)
            for start, (_, changes) in d.upcasts.items():
                upcast = described.upcasts.add(to=d.schema, **{"from": start})
                for c in changes:
                    upcast.changes.add(op=pb.Change.Op.Value("OP_" + c["op"]), path=c["path"], to=c.get("to", ""), reason=c["reason"])
        return info

    def Export(self, request, _):
        header = pb.ExportHeader(operation_id=operation(request), snapshot_id=str(uuid.uuid4()), app_id=self.app, app_version=self.version)
        if request.HasField("resume"):
            raise Failure("CAPABILITY_MISSING", "exports cannot be resumed", capability="resume.v1")
        if not self.exporting.acquire(blocking=False):
            raise Failure("TOO_MANY_OPERATIONS", f"{EXPORTS} exports are under way")
        try:
            header.snapshot_time.FromNanoseconds(time.time_ns())
            header.lease.FromSeconds(0)
            selected, state = self.selection(request.datasets), self.store.snapshot()
            for d in selected:
                header.datasets.add(name=d.name, schema=d.schema, media_type=MEDIA_TYPE, key=[d.key], sensitive=d.sensitive)
            yield pb.ExportResponse(header=header)
            size, sent = min(request.max_chunk_bytes or CHUNK, CHUNK), []
            for d in selected:
                payload, described = yield from patiently(
                    pb.ExportResponse(progress=pb.Progress(phase=pb.PHASE_EXPORTING, dataset=d.name)), self.describe, d, state[d.name])
                for at in range(0, len(payload), size):
                    data = payload[at:at + size]
                    yield pb.ExportResponse(chunk=pb.Chunk(dataset=d.name, offset=at, data=data, crc32c=crc32c(data)))
                yield pb.ExportResponse(dataset_trailer=pb.DatasetTrailer(
                    dataset=d.name, rows=described.rows, bytes=described.bytes, sha256=described.sha256))
                sent.append(described)
            yield pb.ExportResponse(trailer=pb.ExportTrailer(manifest_sha256=manifest(self.app, sent)))
        finally:
            self.exporting.release()

    def selection(self, wanted):
        chosen = set()

        def choose(name):
            if name not in self.datasets:
                raise Failure("UNKNOWN_DATASET", f"there is no dataset {name}", dataset=name)
            chosen.add(name)
            for needed in self.datasets[name].depends_on:
                choose(needed)

        for name in wanted or self.datasets:
            choose(name)
        return [d for d in self.datasets.values() if d.name in chosen]

    def describe(self, dataset, rows):
        payload = encode(sorted(rows, key=lambda row: row[dataset.key]))
        return payload, pb.ImportDataset(name=dataset.name, schema=dataset.schema, rows=len(rows), bytes=len(payload),
                                         sha256=hashlib.sha256(payload).digest())

    def Import(self, requests, _):
        opening = next(requests, None)
        if opening is None or opening.WhichOneof("message") != "open":
            raise Failure("INVALID_REQUEST", "an import starts with open")
        parts, identity = self.opened(opening.open), manifest(self.app, opening.open.datasets)
        if opening.open.operation_id in self.store.results():
            yield self.replay(identity, opening.open)
            return
        if not self.importing.acquire(blocking=False):
            raise Failure("OPERATION_IN_PROGRESS", "another import is running")
        try:
            if opening.open.operation_id in self.store.results():  # it ended a moment ago
                yield self.replay(identity, opening.open)
                return
            yield pb.ImportResponse(state=pb.ImportState(phase=pb.PHASE_RECEIVING, datasets=[pb.ImportAck(dataset=n) for n in parts]))
            yield from self.receive(requests, parts, identity)
            result = yield from patiently(pb.ImportResponse(progress=pb.Progress(phase=pb.PHASE_APPLYING)),
                                          self.apply, opening.open, parts, identity)
        finally:
            self.importing.release()
        yield pb.ImportResponse(result=result)

    def opened(self, m):
        """Checks an announcement before any byte is taken."""
        operation(m)
        if m.source_app_id != self.app:
            raise Failure("WRONG_APP", f"the payload is of another application, this is {self.app}", payload=m.source_app_id, application=self.app)
        if m.expected:
            raise Failure("CAPABILITY_MISSING", "there are no fingerprints", capability="fingerprint.v1")
        parts = {}
        for a in m.datasets:
            if a.name not in self.datasets:
                raise Failure("UNKNOWN_DATASET", f"there is no dataset {a.name}", dataset=a.name)
            d, parsed = self.datasets[a.name], SCHEMA.fullmatch(a.schema)
            if a.name in parts or not parsed or len(a.sha256) != 32:
                raise Failure("INVALID_REQUEST", f"dataset {a.name} is announced twice, or its schema or digest is malformed")
            if a.schema != d.schema and a.schema not in d.upcasts:
                newer = tuple(map(int, parsed.groups())) > tuple(map(int, d.schema.split(".")))
                raise Failure("SCHEMA_TOO_NEW" if newer else "SCHEMA_TOO_OLD", f"dataset {a.name}: this release reads {d.reads}",
                              dataset=a.name, schema=a.schema, reads=d.reads)
            if a.bytes > PAYLOAD:
                raise Failure("TOO_LARGE", f"dataset {a.name}: at most {PAYLOAD} bytes are taken", dataset=a.name)
            parts[a.name] = Part(a, d)
        if not parts:
            raise Failure("INVALID_REQUEST", "the import names no dataset")
        return parts

    def replay(self, identity, m):
        kept = self.store.results()[m.operation_id]
        if kept["manifest"] != identity.hex() or kept["dry_run"] != m.dry_run:
            raise Failure("OPERATION_CONFLICT", f"operation {m.operation_id} was another import")
        result = pb.ImportResult.FromString(bytes.fromhex(kept["result"]))
        result.replayed = True
        return pb.ImportResponse(result=result)

    def receive(self, requests, parts, identity):
        """Takes chunks until the commit, and says something when the caller is slow."""
        arrived, over = queue.Queue(maxsize=4), threading.Event()

        def pump():
            try:
                for m in requests:
                    arrived.put(m)
                    if over.is_set():
                        return
            except Exception:  # the caller went away, which the end of the stream says as well
                pass
            arrived.put(None)

        threading.Thread(target=pump, daemon=True).start()
        try:
            yield from self.chunks(arrived, parts, identity)
        finally:
            over.set()
            while not arrived.empty():
                arrived.get_nowait()

    def chunks(self, arrived, parts, identity):
        while True:
            try:
                m = arrived.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield pb.ImportResponse(progress=pb.Progress(phase=pb.PHASE_RECEIVING))
                continue
            kind = m.WhichOneof("message") if m is not None else "end of the stream"
            if kind == "commit":
                if m.commit.manifest_sha256 != identity:
                    raise Failure("INVALID_REQUEST", "the commit names another manifest than the one announced")
                return
            if kind != "chunk" or m.chunk.dataset not in parts:
                raise Failure("INVALID_REQUEST", f"expected chunks of announced datasets and a commit, got {kind or 'nothing known'}")
            parts[m.chunk.dataset].take(m.chunk)
            yield pb.ImportResponse(ack=pb.ImportAck(dataset=m.chunk.dataset, offset=len(parts[m.chunk.dataset].data)))

    def apply(self, m, parts, identity):
        with self.store.changing:  # what users write waits for the outcome
            return self.replace(m, parts, identity)

    def replace(self, m, parts, identity):
        result = pb.ImportResult(applied=not m.dry_run, untouched=[n for n in self.datasets if n not in parts])
        held = self.store.snapshot()
        state = dict(held)
        for name, part in ((n, parts[n]) for n in self.datasets if n in parts):
            state[name], dropped = part.rows()
            _, after = self.describe(part.dataset, state[name])
            result.datasets.add(name=name, schema_from=part.announced.schema, schema_to=part.dataset.schema, rows=after.rows,
                                bytes=after.bytes, sha256=after.sha256, dropped=dropped)
        self.store.check(state)
        now = int(time.time())
        # At least the last 100 results, and those that the retention covers.
        younger = [(i, r) for i, r in sorted(self.store.results().items(), key=lambda item: item[1]["when"])]
        results = dict(younger[-(KEPT - 1):] + [(i, r) for i, r in younger if now - r["when"] < RETENTION])
        results[m.operation_id] = {"manifest": identity.hex(), "dry_run": m.dry_run, "when": now, "result": result.SerializeToString().hex()}
        self.store.commit(held if m.dry_run else state, results)
        return result


def behaviour(call, streams):
    """Turns failures into statuses."""
    def fail(e, context):
        if isinstance(e, Failure):
            e.abort(context)
        # What an unexpected error says may hold data.
        Failure("APP_FAILED", f"the application failed: {type(e).__name__}").abort(context)

    def stream(request, context):
        try:
            yield from call(request, context)
        except (Failure, ValueError, OSError, LookupError, TypeError) as e:
            fail(e, context)

    def unary(request, context):
        try:
            return call(request, context)
        except Failure as e:
            return fail(e, context)

    return stream if streams else unary


def serve(app, version, datasets, store, address):
    """Serves, and returns what stops it in good order."""
    calls = AppState(app, version, datasets, store)

    def missing(*_):
        raise Failure("CAPABILITY_MISSING", "this application offers only the required calls")

    methods, described = {}, pb.DESCRIPTOR.services_by_name["AppState"]
    for method in described.methods:
        call = getattr(calls, method.name, missing)
        request, response = getattr(pb, method.input_type.name), getattr(pb, method.output_type.name)
        streams = method.name in ("Export", "Import", "Verify")
        if call is missing:
            call = (lambda *_: missing()) if not streams else (lambda *_: iter(missing, None))
        kind = {"Import": grpc.stream_stream_rpc_method_handler}.get(
            method.name, grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler)
        methods[method.name] = kind(behaviour(call, streams), request.FromString, response.SerializeToString)

    def check(request, context):
        if request.service not in ("", SERVICE):
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return wire.HealthCheckResponse(status=wire.HealthCheckResponse.SERVING)

    stopping = threading.Event()

    def watch(request, context):
        yield check(request, context)
        while context.is_active() and not stopping.wait(1):
            pass
        yield wire.HealthCheckResponse(status=wire.HealthCheckResponse.NOT_SERVING)

    coding = wire.HealthCheckRequest.FromString, wire.HealthCheckResponse.SerializeToString
    health = {"Check": grpc.unary_unary_rpc_method_handler(check, *coding), "Watch": grpc.unary_stream_rpc_method_handler(watch, *coding)}
    server = grpc.server(ThreadPoolExecutor(16), options=[
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000), ("grpc.keepalive_permit_without_calls", 1)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),
                                     grpc.method_handlers_generic_handler("grpc.health.v1.Health", health)))
    server.add_insecure_port(address)
    server.start()

    def stop():
        stopping.set()
        # Bounded, because grpcio may wait for a cancelled stream for ever; whatever was answered is durable by now.
        server.stop(grace=10).wait(timeout=12)

    return stop
