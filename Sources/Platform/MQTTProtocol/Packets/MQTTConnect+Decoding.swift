extension MQTTConnect {
    /// Decodes the CONNECT that `frame` found in `bytes`; the version is the packet's own.
    ///
    /// - Throws: ``MQTTError/unsupportedProtocolName`` or ``MQTTError/unsupportedProtocolLevel`` before anything behind
    ///   the level is looked at.
    public static func decode(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) -> MQTTConnect {
        precondition(frame.type == .connect, "\(frame.type) is no CONNECT")
        var cursor = FieldCursor(frame, in: bytes)
        let version = try decodeVersion(&cursor, bytes)
        if version == .v5, frame.body - frame.start != 1 + variableByteIntegerSize(frame.end - frame.body) {
            throw .variableByteIntegerNotMinimal
        }
        let flags = ConnectFlags(bits: try cursor.byte(bytes))
        try flags.check(version)
        var connect = MQTTConnect(
            version: version, clientIdentifier: "", cleanStart: flags.contains(ConnectFlags.cleanStart),
            keepAliveSeconds: try cursor.twoByteInteger(bytes))
        if version == .v5 { connect.properties = try cursor.properties(bytes, of: .connect) }
        connect.clientIdentifier = try cursor.text(bytes)
        if flags.contains(ConnectFlags.will) {
            connect.will = try MQTTWill.decode(flags, version, &cursor, bytes)
        }
        if flags.isGiven(ConnectFlags.userName, version, cursor) { connect.userName = try cursor.text(bytes) }
        if flags.isGiven(ConnectFlags.password, version, cursor) { connect.password = try cursor.binary(bytes) }
        try cursor.finish()
        return connect
    }

    private static func decodeVersion(
        _ cursor: inout FieldCursor, _ bytes: Span<UInt8>
    ) throws(MQTTError) -> MQTTVersion {
        let name = try cursor.binary(bytes)
        let isMQIsdp = name == Array("MQIsdp".utf8)
        guard isMQIsdp || name == Array("MQTT".utf8) else { throw .unsupportedProtocolName }
        guard let version = MQTTVersion(rawValue: try cursor.byte(bytes)), isMQIsdp == (version == .v3_1) else {
            throw .unsupportedProtocolLevel
        }
        return version
    }
}

extension MQTTWill {
    fileprivate static func decode(
        _ flags: ConnectFlags, _ version: MQTTVersion, _ cursor: inout FieldCursor, _ bytes: Span<UInt8>
    ) throws(MQTTError) -> MQTTWill {
        guard let qos = MQTTQoS(rawValue: flags.willQoSBits) else { throw .invalidQoS }
        let properties = version == .v5 ? try cursor.properties(bytes, of: .will) : MQTTProperties()
        return MQTTWill(
            topic: try cursor.topicName(bytes), payload: try cursor.binary(bytes), qos: qos,
            retain: flags.contains(ConnectFlags.willRetain), properties: properties)
    }
}

extension ConnectFlags {
    /// Whether the field of `flag` follows. In MQTT V3.1 the end of the packet overrules the flag (MQTT V3.1 3.1).
    fileprivate func isGiven(_ flag: UInt8, _ version: MQTTVersion, _ cursor: FieldCursor) -> Bool {
        contains(flag) && !(version == .v3_1 && cursor.isAtEnd)
    }
}
