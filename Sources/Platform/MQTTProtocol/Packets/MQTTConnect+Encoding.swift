public import Bytes

extension MQTTConnect {
    /// Appends the packet. Properties before MQTT 5.0, and a password without user name there, stop the program.
    public func encode(into buffer: inout ByteBuffer) {
        precondition(version == .v5 || (properties.isEmpty && will?.properties.isEmpty != false), "properties in 3.x")
        precondition(version == .v5 || password == nil || userName != nil, "a password without user name in 3.x")
        buffer.appendPacket(.connect) { body in
            body.append(field: version == .v3_1 ? "MQIsdp" : "MQTT")
            body.append(version.rawValue)
            body.append(flags)
            body.append(bigEndian: keepAliveSeconds)
            if version == .v5 { properties.encode(into: &body, of: .connect) }
            body.append(field: clientIdentifier)
            if let will {
                if version == .v5 { will.properties.encode(into: &body, of: .will) }
                body.append(field: will.topic)
                body.append(field: will.payload)
            }
            if let userName { body.append(field: userName) }
            if let password { body.append(field: password) }
        }
    }

    private var flags: UInt8 {
        var flags: UInt8 = cleanStart ? ConnectFlags.cleanStart : 0
        if let will {
            flags |= ConnectFlags.will | will.qos.rawValue << 3 | (will.retain ? ConnectFlags.willRetain : 0)
        }
        if userName != nil { flags |= ConnectFlags.userName }
        if password != nil { flags |= ConnectFlags.password }
        return flags
    }
}
