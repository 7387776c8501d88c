import Messages
import Model
import Telemetry

/// `Protos/rule_engine.proto` (`cluster.md` 3.5).
extension ProtoWriter {
    /// ToRuleEngineMsg of one uplink: what ``RuleMessage/init(uplink:index:id:)`` would be, without making it.
    mutating func toRuleEngine(uplink batch: UplinkBatch, index: Int, id: UUID128) {
        let uplink = batch.messages[index]
        let session = uplink.session
        let device = session.device
        uuid(1, device.tenantID.uuid)
        message(3) { writer in
            let isTelemetry = uplink.kind == .telemetry
            writer.uuidText(1, id)
            writer.string(2, isTelemetry ? "POST_TELEMETRY_REQUEST" : "POST_ATTRIBUTES_REQUEST")
            writer.string(3, "DEVICE")
            writer.varintUUID(4, device.deviceID.uuid)
            if let chain = session.profile.ruleChainID { writer.varintUUID(6, chain.uuid) }
            writer.message(11) { writer in
                writer.metadata("deviceName", device.name)
                writer.metadata("deviceType", device.type)
                if isTelemetry {
                    writer.metadata("ts", uplink.timestamp)
                } else {
                    writer.metadata("notifyDevice", "false")
                }
            }
            writer.int64(15, uplink.timestamp)
            if !device.customerID.isNull { writer.varintUUID(17, device.customerID.uuid) }
        }
        points(6, batch.arena, uplink.points)
    }

    /// ToRuleEngineMsg.
    mutating func toRuleEngine(_ message: RuleMessage) {
        uuid(1, message.tenantID.uuid)
        if case .points(let batch, let first, let count) = message.payload {
            self.message(3) { $0.ruleMessage(message, data: nil) }
            strings(4, message.labels)
            points(6, batch.arena, Int(first)..<Int(first + count))
        } else {
            self.message(3) { $0.ruleMessage(message, data: message.payload.text) }
            strings(4, message.labels)
        }
    }

    /// The fields of TbMsgProto.
    mutating func ruleMessage(_ message: RuleMessage, data: String?) {
        uuidText(1, message.id)
        string(2, message.type.name)
        string(3, message.originator.type.name)
        varintUUID(4, message.originator.uuid)
        if let chain = message.ruleChainID { varintUUID(6, chain.uuid) }
        if let node = message.ruleNodeID { varintUUID(8, node.uuid) }
        let values = message.metadata.dictionary
        self.message(11) { writer in
            for (key, value) in values { writer.metadata(key, value) }
        }
        if let data { string(14, data) }
        int64(15, message.timestamp)
        if let customer = message.customerID { varintUUID(17, customer.uuid) }
        if message.executedNodeCount > 0 || message.callers != nil {
            self.message(19) { writer in
                writer.int32(1, Int32(clamping: message.executedNodeCount))
                // From the bottom up.
                for caller in message.callers?.entries.reversed() ?? [] { writer.caller(caller) }
            }
        }
        if let duplicate = message.duplicate {
            varintUUID(20, duplicate.correlationID)
            int32(22, duplicate.partition)
        }
        for field in message.calculatedFields {
            self.message(23) { writer in writer.varintUUID(1, field) }
        }
    }

    private mutating func caller(_ caller: RuleChainCall) {
        message(2) { writer in
            writer.varintUUID(1, caller.chain.uuid)
            writer.varintUUID(3, caller.node.uuid)
        }
    }

    /// One entry of the metadata's map.
    private mutating func metadata(_ key: String, _ value: String) {
        message(1) { writer in
            writer.string(1, key)
            writer.string(2, value)
        }
    }

    private mutating func metadata(_ key: String, _ value: Int64) {
        message(1) { writer in
            writer.string(1, key)
            writer.decimal(2, value)
        }
    }

    /// A number as decimal text.
    private mutating func decimal(_ field: Int, _ value: Int64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { text in
            var start = 20
            var rest = value.magnitude
            repeat {
                start -= 1
                text[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                start -= 1
                text[start] = UInt8(ascii: "-")
            }
            presentBytes(field, UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: text[start..<20])))
        }
    }

    /// KeyValueProto for each point of a range.
    mutating func points(_ field: Int, _ arena: PointArena, _ range: Range<Int>) {
        arena.bytes.withUnsafeBytes { text in
            for point in arena.points[range] {
                message(field) { writer in
                    writer.data(1, UnsafeRawBufferPointer(rebasing: text[point.keyRange]))
                    writer.int32(2, Int32(point.kind.rawValue))
                    switch point.kind {
                    case .boolean: writer.bool(3, point.boolean)
                    case .long: writer.sint64(4, point.long)
                    case .double: writer.double(5, point.double)
                    case .string: writer.data(6, UnsafeRawBufferPointer(rebasing: text[point.textRange]))
                    case .json: writer.data(7, UnsafeRawBufferPointer(rebasing: text[point.textRange]))
                    }
                }
            }
        }
    }
}
