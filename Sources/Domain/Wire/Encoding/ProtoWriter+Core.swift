import Messages
import Model
import Telemetry

/// `Protos/core.proto`, `device.proto` (`cluster.md` 3.4, 3.6, 3.7).
extension ProtoWriter {
    /// ToCoreMsg.
    mutating func toCore(_ message: CoreMessage) {
        if case .device(let notification) = message { return toCore(notification) }
        self.message(1) { $0.toDeviceActor(message) }
    }

    /// The fields of TransportToDeviceActorMsg.
    private mutating func toDeviceActor(_ message: CoreMessage) {
        switch message {
        case .sessionOpened(let info), .sessionClosed(let info):
            session(1, info)
            let isClosed = if case .sessionClosed = message { true } else { false }
            self.message(2) { writer in
                writer.int32(1, Int32(info.sessionType.rawValue))
                writer.bool(2, isClosed)
            }
        case .attributesRequest(let info, let request):
            session(1, info)
            self.message(3) { writer in
                writer.int32(1, request.requestID)
                writer.strings(2, request.clientKeys ?? [])
                writer.strings(3, request.sharedKeys ?? [])
                writer.bool(4, request.onlyShared)
            }
        case .subscribeToAttributes(let info, let isSubscribed):
            session(1, info)
            subscription(4, info, isSubscribed)
        case .subscribeToRPC(let info, let isSubscribed):
            session(1, info)
            subscription(5, info, isSubscribed)
        case .rpcResponse(let info, let response):
            session(1, info)
            self.message(6) { writer in
                writer.int32(1, response.requestID)
                writer.string(2, response.payload ?? "")
                writer.string(3, response.error ?? "")
            }
        case .activity(let info, let time, let attributes, let rpc):
            session(1, info)
            self.message(7) { writer in
                writer.int64(1, time)
                writer.bool(2, attributes)
                writer.bool(3, rpc)
            }
        case .claim(let info, let secret, let duration):
            session(1, info)
            self.message(8) { writer in
                writer.uuid(1, info.device.deviceID.uuid)
                writer.string(3, secret)
                writer.int64(4, duration)
            }
        case .rpcStatus(let info, let requestID, let rpcID, let status):
            session(1, info)
            self.message(10) { writer in
                writer.int32(1, requestID)
                writer.uuid(2, rpcID)
                writer.string(4, status.rawValue)
            }
        case .sendPendingRPC(let info):
            session(1, info)
            self.message(11) { $0.uuid(1, info.sessionID) }
        case .device:
            preconditionFailure("a notification is no message of a session")
        }
    }

    private mutating func subscription(_ field: Int, _ info: SessionInfo, _ isSubscribed: Bool) {
        message(field) { writer in
            writer.bool(1, !isSubscribed)
            writer.int32(2, Int32(info.sessionType.rawValue))
        }
    }

    private mutating func ids(_ notification: DeviceNotification) {
        uuid(1, notification.tenantID.uuid)
        uuid(3, notification.deviceID.uuid)
    }

    /// The fields of ToCoreMsg for a notification.
    private mutating func toCore(_ notification: DeviceNotification) {
        switch notification {
        case .stateAdded: state(notification, flag: 5)
        case .stateUpdated: state(notification, flag: 6)
        case .stateDeleted: state(notification, flag: 7)
        case .activity(_, _, let time): moment(5, notification, time)
        case .connect(_, _, let time): moment(6, notification, time)
        case .disconnect(_, _, let time): moment(7, notification, time)
        case .inactivity(_, _, let time): moment(8, notification, time)
        case .inactivityTimeout(_, _, let milliseconds): moment(9, notification, milliseconds)
        default: message(4) { $0.toDeviceActor(notification) }
        }
    }

    private mutating func state(_ notification: DeviceNotification, flag: Int) {
        message(2) { writer in
            writer.ids(notification)
            writer.bool(flag, true)
        }
    }

    private mutating func moment(_ field: Int, _ notification: DeviceNotification, _ value: Int64) {
        message(field) { writer in
            writer.ids(notification)
            writer.int64(5, value)
        }
    }

    /// The fields of ToDeviceActorNotificationMsg.
    private mutating func toDeviceActor(_ notification: DeviceNotification) {
        switch notification {
        case .renamed(_, _, let name, let type):
            message(2) { writer in
                writer.ids(notification)
                writer.string(5, name)
                writer.string(6, type)
            }
        case .attributesUpdated(_, _, let scope, let entries):
            message(3) { writer in
                writer.ids(notification)
                writer.presentInt32(6, scope.rawValue - 1)
                writer.attributeValues(7, entries)
            }
        case .attributesDeleted(_, _, let scope, let keys):
            message(3) { writer in
                writer.ids(notification)
                for key in keys {
                    writer.message(5) { writer in
                        writer.int32(1, scope.rawValue - 1)
                        writer.string(2, key)
                    }
                }
                writer.presentInt32(6, scope.rawValue - 1)
                writer.bool(8, true)
            }
        case .credentialsUpdated(_, _, let version):
            message(4) { writer in
                writer.ids(notification)
                writer.message(5) { $0.int64(9, version) }
            }
        case .rpcRequest(_, _, let serviceID, let request):
            message(5) { writer in
                writer.ids(notification)
                writer.string(5, serviceID)
                writer.rpcRequest(6, request)
            }
        case .removeRPC(_, _, let rpcID):
            message(7) { writer in
                writer.uuid(1, notification.tenantID.uuid)
                writer.uuid(3, rpcID)
                writer.uuid(5, notification.deviceID.uuid)
            }
        case .deleted:
            message(8) { $0.ids(notification) }
        case .stateAdded, .stateUpdated, .stateDeleted, .activity, .connect, .disconnect, .inactivity,
            .inactivityTimeout:
            preconditionFailure("a notification of the device's state does not go to its actor")
        }
    }

    /// ToCoreNotificationMsg.
    mutating func toCoreNode(_ notification: CoreNotification) {
        switch notification {
        case .rpcResponse(let rpcID, let response, let error):
            message(2) { writer in
                writer.uuid(1, rpcID)
                if let response { writer.presentString(3, response) }
                writer.sint64(4, Int64(error?.rawValue ?? -1))
            }
        case .entityChanged(let tenant, let entity, let change):
            lifecycle(8, tenant, entity, change)
        case .ruleEngineResponse(let requestID, let response):
            message(12) { writer in
                writer.uuid(1, requestID)
                guard let response else { return }
                writer.message(3) { $0.ruleMessage(response, data: response.payload.text) }
                writer.uuid(4, response.tenantID.uuid)
            }
        case .watchedEntities(let watched):
            message(20) { writer in
                writer.string(1, watched.serviceID)
                writer.bool(2, watched.isWhole)
                writer.identifiers(3, watched.added)
                writer.identifiers(4, watched.removed)
                writer.bool(5, watched.isQuestion)
            }
        case .watchedValues(let changes):
            message(21) { writer in
                for change in changes { writer.message(1) { $0.watchedChange(change) } }
            }
        }
    }

    /// 16 bytes each.
    private mutating func identifiers(_ field: Int, _ values: [UUID128]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 16)
        for value in values {
            withUnsafeBytes(of: value.high.bigEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: value.low.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.withUnsafeBytes { data(field, $0) }
    }

    /// WatchedChangeProto.
    private mutating func watchedChange(_ change: WatchedChange) {
        uuid(1, change.tenant.uuid)
        uuid(3, change.entity)
        switch change.content {
        case .timeseries(let time, let streams, let points):
            int64(6, time)
            int32(7, Int32(streams))
            self.points(9, points, points.points.indices)
        case .attributes(let scope, let time, let points, let isOnlyIfChanged):
            int32(5, 1)
            int64(6, time)
            int32(8, scope.rawValue - 1)
            self.points(9, points, points.points.indices)
            bool(13, isOnlyIfChanged)
        case .timeseriesDeleted(let keys):
            int32(5, 2)
            strings(10, keys)
        case .attributesDeleted(let scope, let keys):
            int32(5, 3)
            int32(8, scope.rawValue - 1)
            strings(10, keys)
        case .alarm(let id, let isDeleted):
            int32(5, 4)
            uuid(11, id.uuid)
            bool(13, isDeleted)
        }
    }

    /// ToRuleEngineNotificationMsg.
    mutating func toRuleEngineNode(_ notification: RuleEngineNotification) {
        switch notification {
        case .entityChanged(let tenant, let entity, let change): lifecycle(4, tenant, entity, change)
        }
    }

    /// ComponentLifecycleMsgProto.
    private mutating func lifecycle(_ field: Int, _ tenant: TenantID, _ entity: EntityID, _ change: EntityChange) {
        message(field) { writer in
            writer.uuid(1, tenant.uuid)
            writer.message(3) { writer in
                writer.uuid(1, entity.uuid)
                writer.int32(3, Int32(entity.type.rawValue))
            }
            writer.int32(4, Int32(change.rawValue))
        }
    }
}
