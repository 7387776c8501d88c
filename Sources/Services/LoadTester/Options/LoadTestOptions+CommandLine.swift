public import Configuration

extension LoadTestOptions {
    /// The subcommand: the variables of the published performance-test tool, and the same as options.
    public static let command = Command(
        "loadtest",
        summary: "send telemetry as many devices, measure, and prove that nothing acknowledged was lost",
        discussion: """
            Creates devices DW00000000, DW00000001, ... over REST (existing ones are used), connects them, and sends \
            messages at a fixed rate whatever the server answers: latency counts from the moment a message was due. \
            Messages that a lost connection leaves unacknowledged are sent again with the same time stamp.

            Works against any server with this API. With --topic it works against any MQTT broker.

            Exit status: 0; 1 when an acknowledged message is lost or the run failed; 2 for wrong options.
            """,
        options: serverOptions + deviceOptions + gatewayOptions + loadOptions + reportOptions)

    private static let serverOptions: [CommandOption] = [
        .string(
            "rest-url", placeholder: "URL", default: "http://localhost:8080", environment: "REST_URL",
            help: "Where the REST API is."),
        .string(
            "username", placeholder: "NAME", default: "tenant@thingsboard.org", environment: "REST_USERNAME",
            help: "A tenant administrator."),
        .string(
            "password", placeholder: "TEXT", default: "tenant", environment: "REST_PASSWORD", help: "Its password."),
        .string("mqtt-host", placeholder: "HOST", default: "localhost", environment: "MQTT_HOST", help: "MQTT server."),
        .integer(
            "mqtt-port", placeholder: "PORT", default: 1883, in: 1...65_535, environment: "MQTT_PORT",
            help: "Its port."),
        .choice(
            "tls", of: ["true", "false"], default: "false", environment: "MQTT_SSL_ENABLED",
            help: "MQTT over TLS (mostly port 8883)."),
        .string(
            "tls-ca", placeholder: "FILE", help: "Believe the authorities of this PEM file only. [default: anybody]"),
    ]

    private static let deviceOptions: [CommandOption] = [
        .integer("devices", help: "How many devices; wins over DEVICE_END_IDX. [default: 1000]"),
        .integer(
            "first-device", default: 0, in: 0...99_999_999, environment: "DEVICE_START_IDX",
            help: "Number of the first device."),
        .integer(
            "end-device", in: 0...100_000_000, environment: "DEVICE_END_IDX",
            help: "Number behind that of the last device."),
        .choice(
            "api", of: DeviceAPI.allCases.map(\.rawValue), default: DeviceAPI.mqtt.rawValue, environment: "DEVICE_API",
            help: "How devices send."),
        .flag("http", help: "The same as --api HTTP."),
        .choice(
            "create-devices", of: ["true", "false"], default: "true", environment: "DEVICE_CREATE_ON_START",
            help: "Create the profile and missing devices at the start."),
        .choice(
            "delete-devices", of: ["true", "false"], default: "false", environment: "DEVICE_DELETE_ON_COMPLETE",
            help: "Delete the devices at the end."),
        .integer("customers", in: 0...1_000_000, help: "Customers with a user each, made at the start. [default: 0]"),
        .integer(
            "first-customer", default: 0, in: 0...99_999_999, environment: "CUSTOMER_START_IDX",
            help: "Number of the first customer."),
        .integer(
            "end-customer", in: 0...100_000_000, environment: "CUSTOMER_END_IDX",
            help: "Number behind that of the last customer."),
        .integer("dashboards", in: 0...1000, help: "Dashboards made at the start. [default: 0]"),
        .choice(
            "delete-surroundings", of: ["true", "false"], default: "false", environment: "CUSTOMER_DELETE_ON_COMPLETE",
            help: "Delete these customers and dashboards at the end."),
        .string(
            "token", placeholder: "TOKEN",
            help: "Every connection uses this access token instead of the device's own."),
        .string(
            "topic", placeholder: "TOPIC",
            help: "Publish to this topic of any MQTT broker; no REST calls, no devices are created."),
        .choice("mqtt-version", of: ["3.1.1", "5"], default: "3.1.1", help: "Version of MQTT."),
        .integer(
            "keep-alive", placeholder: "SECONDS", default: 120, in: 0...65_535, help: "Keep-alive of a connection."),
    ]

    private static let gatewayOptions: [CommandOption] = [
        .integer("gateways", in: 0...1_000_000, help: "Gateways that send for the devices, in turn. [default: 0]"),
        .choice(
            "test-api", of: ["device", "gateway"], default: "device", environment: "TEST_API",
            help: "gateway: use those that GATEWAY_START_IDX and GATEWAY_END_IDX name."),
        .integer(
            "first-gateway", default: 0, in: 0...99_999_999, environment: "GATEWAY_START_IDX",
            help: "Number of the first gateway."),
        .integer(
            "end-gateway", in: 0...100_000_000, environment: "GATEWAY_END_IDX",
            help: "Number behind that of the last gateway."),
        .choice(
            "create-gateways", of: ["true", "false"], default: "true", environment: "GATEWAY_CREATE_ON_START",
            help: "Create missing gateways at the start; they create their devices."),
        .choice(
            "delete-gateways", of: ["true", "false"], default: "false", environment: "GATEWAY_DELETE_ON_COMPLETE",
            help: "Delete the gateways at the end."),
    ]

    private static let loadOptions: [CommandOption] = [
        .integer(
            "rate", placeholder: "R", default: 1000, in: 1...10_000_000, environment: "MESSAGES_PER_SECOND",
            help: "Messages a second, all devices together."),
        .integer(
            "closed-loop", in: 1...32_768,
            help: "Instead of a rate: N messages in flight per connection, the next as soon as one is acknowledged."),
        .integer("idle", in: 1...1_000_000, help: "Instead of a load: hold N connections that send nothing."),
        .integer(
            "duration", placeholder: "SECONDS", default: 60, in: 1...10_000_000, environment: "DURATION_IN_SECONDS",
            help: "Length of the run."),
        .choice(
            "payload", of: PayloadType.allCases.map(\.rawValue), default: PayloadType.smartMeter.rawValue,
            environment: "TEST_PAYLOAD_TYPE", help: "What a message holds: 3, 5 or 60 values."),
        .integer(
            "alarms", default: 0, environment: "ALARMS_PER_SECOND", help: "Messages a second that raise an alarm."),
        .integer(
            "alarm-start", placeholder: "SECOND", default: 0, environment: "ALARM_STORM_START_SECOND",
            help: "Second of the run at which alarms begin."),
        .integer(
            "alarm-end", placeholder: "SECOND", environment: "ALARM_STORM_END_SECOND",
            help: "Second at which they end. [default: the end of the run]"),
        .choice(
            "warmup", of: ["true", "false"], default: "false", environment: "WARMUP_ENABLED",
            help: "Send one message from each device before measuring."),
        .integer(
            "warmup-pack", default: 100, in: 1...1_000_000, environment: "WARMUP_PACK_SIZE",
            help: "How many of these go out in a burst."),
        .choice(
            "load", of: ["true", "false"], default: "true", environment: "TEST_ENABLED",
            help: "Run the load; false only creates and deletes devices."),
        .choice("qos", of: ["0", "1"], default: "1", help: "MQTT quality of service."),
        .integer(
            "in-flight", default: 100, in: 1...32_768,
            help: "Unacknowledged messages per device; beyond it, messages wait and get older."),
        .integer("threads", default: 1, in: 1...64, help: "Event loops that send."),
        .integer(
            "drain", placeholder: "SECONDS", default: 10, in: 0...3600,
            help: "How long to wait for acknowledgements at the end."),
    ]

    private static let reportOptions: [CommandOption] = [
        .string("ledger", placeholder: "FILE", help: "Append every acknowledged message (device, time stamp) to FILE."),
        .flag(
            "verify",
            help: "Read every acknowledged message back over REST, and measure how long rows take to appear."),
        .flag("verify-only", help: "Send nothing; read the messages of --ledger back."),
        .integer(
            "verify-grace", placeholder: "SECONDS", default: 10, in: 0...3600,
            help: "How long an acknowledged message may take to become readable."),
        .string("json", placeholder: "FILE", help: "Write the report as JSON."),
        .string(
            "plot", placeholder: "FILE.svg|png",
            help: "Draw latency and rates over time. PNG needs rsvg-convert or gnuplot."),
        .flag("quiet", help: "No progress lines."),
    ]
}
