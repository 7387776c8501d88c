import CMessages
import Messages
import Model
import Telemetry

extension WireDecoder {
    /// ToRuleEngineMsg.
    func ruleMessage(
        _ envelope: Needletail__ToRuleEngineMsg, into batch: UplinkBatch
    ) throws(WireError) -> RuleMessage {
        guard let message = envelope.tb_msg?.pointee else { throw .missing("tb_msg") }
        let tenant = TenantID(Fields.uuid(envelope.tenant_id_msb, envelope.tenant_id_lsb))
        let labels = try Self.labels(envelope)
        guard envelope.n_points > 0 else {
            var read = try ruleMessage(message, tenant: tenant, payload: .text(try Fields.text(message.data, "data")))
            read.labels = labels
            return read
        }
        let first = batch.arena.count
        let bytes = batch.arena.bytes.count
        do throws(WireError) {
            for index in 0..<envelope.n_points { try Self.append(envelope.points[index], to: batch) }
            var read = try ruleMessage(
                message, tenant: tenant,
                payload: .points(batch, first: UInt32(first), count: UInt32(envelope.n_points)))
            read.labels = labels
            return read
        } catch {
            batch.arena.truncate(points: first, bytes: bytes)
            throw error
        }
    }

    /// Labels that a message may leave a node along at a time.
    private static let maximumLabels = 1_000

    private static func labels(_ envelope: Needletail__ToRuleEngineMsg) throws(WireError) -> [String] {
        guard envelope.n_relation_types > 0 else { return [] }
        guard envelope.n_relation_types <= maximumLabels else { throw .invalid("relation_types") }
        return try Fields.texts(envelope.relation_types, Int(envelope.n_relation_types), "relation_types")
    }

    /// TbMsgProto.
    func ruleMessage(
        _ message: Needletail__TbMsgProto, tenant: TenantID, payload: MessagePayload
    ) throws(WireError) -> RuleMessage {
        guard let id = Self.uuid(message.id) else { throw .invalid("id") }
        guard let entityType = try Self.entityType(message.entity_type) else { throw .invalid("entity_type") }
        let originator = EntityID(
            type: entityType, uuid: Fields.uuid(message.entity_id_msb, message.entity_id_lsb))
        let customer = Fields.optional(message.customer_id_msb, message.customer_id_lsb).map { CustomerID($0) }
        var read = RuleMessage(
            id: id, timestamp: message.ts, type: try Self.messageType(message.type), originator: originator,
            tenantID: tenant, customerID: customer,
            metadata: try metadata(message.meta_data, of: originator, tenant: tenant, message.ts), payload: payload,
            ruleChainID: Fields.optional(message.rule_chain_id_msb, message.rule_chain_id_lsb).map { RuleChainID($0) },
            ruleNodeID: Fields.optional(message.rule_node_id_msb, message.rule_node_id_lsb).map { RuleNodeID($0) })
        if let correlation = Fields.optional(message.correlation_id_msb, message.correlation_id_lsb) {
            read.duplicate = MessageDuplicate(correlationID: correlation, partition: message.partition)
        }
        if let context = message.ctx?.pointee {
            read.executedNodeCount = UInt32(clamping: context.rule_node_exec_counter)
            read.callers = try Self.callers(context)
        }
        guard message.n_calculated_fields <= Self.maximumFields else { throw .invalid("calculated_fields") }
        for index in 0..<message.n_calculated_fields {
            guard let field = message.calculated_fields[index]?.pointee else { continue }
            read.calculatedFields.append(
                Fields.uuid(field.calculated_field_id_msb, field.calculated_field_id_lsb))
        }
        return read
    }

    /// Calculated fields that may have led to a message.
    private static let maximumFields = 10_000

    /// Chains that a message may have been sent into one from another.
    private static let maximumCallers = 1_000

    private static func callers(_ context: Needletail__TbMsgProcessingCtxProto) throws(WireError) -> RuleChainCall? {
        guard context.n_stack <= maximumCallers else { throw .invalid("ctx") }
        var caller: RuleChainCall?
        for index in 0..<context.n_stack {
            guard let entry = context.stack[index]?.pointee else { throw .missing("ctx") }
            caller = RuleChainCall(
                chain: RuleChainID(Fields.uuid(entry.rule_chain_id_msb, entry.rule_chain_id_lsb)),
                node: RuleNodeID(Fields.uuid(entry.rule_node_id_msb, entry.rule_node_id_lsb)), below: caller)
        }
        return caller
    }

    // MARK: - Parts without a string

    private static func uuid(_ text: UnsafeMutablePointer<CChar>?) -> UUID128? {
        guard let text else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        for index in 0..<36 {
            let byte = UInt8(bitPattern: text[index])
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            if digits < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
            digits += 1
        }
        return text[36] == 0 ? UUID128(high: high, low: low) : nil
    }

    private static func equal(_ text: UnsafeMutablePointer<CChar>, _ expected: StaticString) -> Bool {
        for index in 0..<expected.utf8CodeUnitCount {
            // A zero ends `text`, and no expected text has one.
            guard UInt8(bitPattern: text[index]) == expected.utf8Start[index] else { return false }
        }
        return text[expected.utf8CodeUnitCount] == 0
    }

    private static func equal(_ text: UnsafeMutablePointer<CChar>, _ expected: String) -> Bool {
        var index = 0
        for byte in expected.utf8 {
            guard byte != 0, UInt8(bitPattern: text[index]) == byte else { return false }
            index += 1
        }
        return text[index] == 0
    }

    private static func entityType(_ text: UnsafeMutablePointer<CChar>?) throws(WireError) -> EntityType? {
        if let text, equal(text, "DEVICE") { return .device }
        return EntityType(name: try Fields.text(text, "entity_type"))
    }

    private static func messageType(_ text: UnsafeMutablePointer<CChar>?) throws(WireError) -> MessageType {
        if let text, equal(text, "POST_TELEMETRY_REQUEST") { return .known(.postTelemetryRequest) }
        if let text, equal(text, "POST_ATTRIBUTES_REQUEST") { return .known(.postAttributesRequest) }
        return MessageType(try Fields.text(text, "type"))
    }

    /// KeyValueProto.
    private static func append(
        _ field: UnsafeMutablePointer<Needletail__KeyValueProto>?, to batch: UplinkBatch
    ) throws(WireError) {
        guard let field = field?.pointee else { throw .missing("points") }
        let key = UnsafeBufferPointer<UInt8>(start: field.key.data, count: field.key.len)
        guard key.count <= Int(UInt16.max), Fields.isValid(key) else { throw .invalid("key") }
        let bits: UInt64
        switch field.type.rawValue {
        case 0: bits = field.bool_v != 0 ? 1 : 0
        case 1: bits = UInt64(bitPattern: field.long_v)
        case 2: bits = field.double_v.bitPattern
        case 3, 4:
            let kind: ValueKind = field.type.rawValue == 3 ? .string : .json
            let data = kind == .string ? field.string_v : field.json_v
            let text = UnsafeBufferPointer<UInt8>(start: data.data, count: data.len)
            guard Fields.isValid(text) else { throw .invalid(kind == .string ? "string_v" : "json_v") }
            batch.arena.append(key: key, kind: kind, text: text)
            return
        default: throw .invalid("type")
        }
        guard let kind = ValueKind(rawValue: UInt8(field.type.rawValue)) else { throw .invalid("type") }
        batch.arena.append(key: key, kind: kind, bits: bits)
    }

    // MARK: - Metadata

    /// A device's own metadata becomes a reference to what the last message of it said, if it says the same.
    private func metadata(
        _ map: UnsafeMutablePointer<Needletail__TbMsgMetaDataProto>?, of originator: EntityID, tenant: TenantID,
        _ timestamp: Int64
    ) throws(WireError) -> MessageMetadata {
        guard let map = map?.pointee, map.n_data > 0 else { return MessageMetadata() }
        if originator.type == .device, map.n_data == 3, let data = map.data,
            let name = data[0]?.pointee, let type = data[1]?.pointee, let last = data[2]?.pointee,
            Self.equal(name.key, "deviceName"), Self.equal(type.key, "deviceType")
        {
            if Self.equal(last.key, "ts"), let ts = Self.decimal(last.value) {
                let session = try session(originator.uuid, tenant, name: name.value, type: type.value)
                return MessageMetadata(session: session, timestamp: ts)
            }
            if Self.equal(last.key, "notifyDevice"), Self.equal(last.value, "false") {
                let session = try session(originator.uuid, tenant, name: name.value, type: type.value)
                return MessageMetadata(session: session, timestamp: nil)
            }
        }
        var values: [String: String] = [:]
        for index in 0..<map.n_data {
            guard let entry = map.data[index]?.pointee else { throw .missing("meta_data") }
            values[try Fields.text(entry.key, "meta_data")] = try Fields.text(entry.value, "meta_data")
        }
        return MessageMetadata(values)
    }

    /// A number in its only decimal form; `nil` for anything else.
    private static func decimal(_ text: UnsafeMutablePointer<CChar>) -> Int64? {
        var index = text[0] == 0x2D ? 1 : 0
        let first = index
        var value: Int64 = 0
        while text[index] != 0 {
            let digit = Int64(text[index]) - 0x30
            guard (0...9).contains(digit), index - first < 18 else { return nil }
            value = value * 10 + digit
            index += 1
        }
        guard index > first, text[first] != 0x30 || index == first + 1 else { return nil }
        guard first == 0 || value != 0 else { return nil }
        return first == 1 ? -value : value
    }

    private func session(
        _ device: UUID128, _ tenant: TenantID, name: UnsafeMutablePointer<CChar>, type: UnsafeMutablePointer<CChar>
    ) throws(WireError) -> SessionInfo {
        let id = DeviceID(device)
        if let known = sessions[id], known.device.tenantID == tenant, Self.equal(name, known.device.name),
            Self.equal(type, known.device.type)
        {
            return known
        }
        let made = SessionInfo(
            nodeID: "", sessionID: .zero,
            device: DeviceInfo(
                tenantID: tenant, deviceID: id, name: try Fields.text(name, "deviceName"),
                type: try Fields.text(type, "deviceType"), profileID: DeviceProfileID(.zero), customerID: .null,
                isGateway: false),
            profile: DeviceProfileInfo(id: DeviceProfileID(.zero), transportType: .default))
        if sessions.count >= Self.maximumSessions { sessions.removeAll(keepingCapacity: true) }
        sessions[id] = made
        return made
    }
}
