import Configuration

// Measurements that need the platform's own code: limits of the database, and single steps of a message's way.
// Benchmarks/run calls it; each result is one JSON object on a line of its own.

let conninfo = CommandOption.string(
    "database", placeholder: "CONNINFO", help: "libpq's connection string of a database with the platform's schema.")
let seconds = CommandOption.integer("seconds", default: 5, in: 1...3600, help: "How long to measure.")
let bootstrap = CommandOption.string("bootstrap", placeholder: "SERVERS", help: "Kafka brokers.")
let backEnds = CommandOption.integer("back-ends", default: 1, in: 1...16, help: "Connections that write in parallel.")

let mqttPort = CommandOption.integer("mqtt-port", default: 1883, in: 1...65_535, help: "Of a platform on this machine.")
let httpPort = CommandOption.integer("http-port", default: 8080, in: 1...65_535, help: "Of the same platform.")
let rounds = CommandOption.integer("rounds", default: 3, in: 1...1000, help: "How often, after a warm-up.")
let connections = CommandOption.integer("connections", default: 16, in: 1...1000, help: "Connections that save.")
let downlinks = [mqttPort, httpPort, rounds, connections]

let parser = ArgumentParser(
    program: "needletail-benchmarks", summary: "Measurements on the platform's own code.",
    commands: [
        Command("copy", summary: "Binary COPY into ts_kv in a loop.", options: [conninfo, seconds, backEnds]),
        Command("upsert", summary: "Upsert into ts_kv from arrays in a loop.", options: [conninfo, seconds, backEnds]),
        Command("kafka", summary: "Uplinks into Kafka and out of it.", options: [bootstrap, seconds]),
        Command(
            "attribute-saves", summary: "A shared attribute of many devices, saved one by one, until each has heard.",
            options: downlinks),
        Command("attribute-import", summary: "The same by one import.", options: downlinks),
        Command("calls", summary: "Calls to many devices at once, until each has its answer.", options: downlinks),
        Command("scripts", summary: "Calls of a script, here and in a worker.", options: [seconds]),
        Command("micro", summary: "Codec, JSON, telemetry decoding, rule chain.", options: [seconds]),
    ])
let arguments = parser.parseOrExit(CommandLine.arguments, environment: ProcessEnvironment.read())
var duration: Duration { .seconds(arguments.integer("seconds") ?? 5) }

switch arguments.command.name {
case "micro":
    MicroBenchmarks.runAll(each: duration)
    do {
        try await RuleChainBenchmark.run(for: duration)
    } catch {
        fail("\(error)", status: 1)
    }
case "scripts":
    do {
        try await ScriptBenchmark.run(for: duration)
    } catch {
        fail("\(error)", status: 1)
    }
case "kafka":
    guard let servers = arguments.string("bootstrap") else {
        fail("--bootstrap is needed", status: 2)
    }
    do {
        try await KafkaBenchmark.run(bootstrap: servers, for: duration)
    } catch {
        fail("\(error)", status: 1)
    }
case "attribute-saves", "attribute-import", "calls":
    let benchmark = DownlinkBenchmark(
        kind: DownlinkBenchmark.Kind(rawValue: arguments.command.name) ?? .calls,
        mqttPort: arguments.integer("mqtt-port") ?? 0, httpPort: arguments.integer("http-port") ?? 0,
        rounds: arguments.integer("rounds") ?? 1, connections: arguments.integer("connections") ?? 1)
    do {
        try await benchmark.run()
    } catch {
        fail("\(error)", status: 1)
    }
default:
    guard let database = arguments.string("database") else {
        fail("--database is needed", status: 2)
    }
    let limit = StorageLimit(
        database: database, writes: arguments.command.name == "copy" ? .copy : .upsert,
        backEnds: arguments.integer("back-ends") ?? 1)
    do {
        try await limit.run(for: duration)
    } catch {
        fail("\(error)", status: 1)
    }
}
