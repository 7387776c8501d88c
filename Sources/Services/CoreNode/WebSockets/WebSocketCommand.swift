internal import JSON
internal import Model
internal import Storage

/// A message that is none, as a whole (`websocket-api.md` 3.4).
struct UnreadableCommands: Error {}

/// What a client wants by one command (`websocket-api.md` 3).
struct WebSocketCommand: Sendable {
    enum Kind: String, Sendable {
        case attributes = "ATTRIBUTES"
        case timeseries = "TIMESERIES"
        case history = "TIMESERIES_HISTORY"
        case entityData = "ENTITY_DATA"
        case entityDataUnsubscribe = "ENTITY_DATA_UNSUBSCRIBE"
        case entityCount = "ENTITY_COUNT"
        case entityCountUnsubscribe = "ENTITY_COUNT_UNSUBSCRIBE"
        case alarmData = "ALARM_DATA"
        case alarmDataUnsubscribe = "ALARM_DATA_UNSUBSCRIBE"
        case alarmCount = "ALARM_COUNT"
        case alarmCountUnsubscribe = "ALARM_COUNT_UNSUBSCRIBE"
        case alarmStatus = "ALARM_STATUS"
        case alarmStatusUnsubscribe = "ALARM_STATUS_UNSUBSCRIBE"
        case notifications = "NOTIFICATIONS"
        case notificationsCount = "NOTIFICATIONS_COUNT"
        case notificationsUnsubscribe = "NOTIFICATIONS_UNSUBSCRIBE"
        case markAsRead = "MARK_NOTIFICATIONS_AS_READ"
        case markAllAsRead = "MARK_ALL_NOTIFICATIONS_AS_READ"
    }

    var kind: Kind
    var id: Int32
    var body: RequestObject

    /// Reads a command; members of the wrong type make the whole message unreadable.
    init(_ kind: Kind, _ value: JSONValue) throws(UnreadableCommands) {
        guard let members = value.objectValue else { throw UnreadableCommands() }
        self.kind = kind
        body = RequestObject(members)
        do throws(APIError) {
            guard let id = Int32(exactly: try body.integer("cmdId") ?? 0) else { throw APIError.invalid("cmdId") }
            self.id = id
            switch kind {
            case .attributes, .timeseries, .history: try Self.checkFirstGeneration(body)
            case .entityData:
                for member in ["query", "latestCmd", "tsCmd", "historyCmd", "aggHistoryCmd", "aggTsCmd"] {
                    _ = try body.object(member)
                }
            case .entityCount, .alarmData, .alarmCount: _ = try body.object("query")
            case .alarmStatus: _ = try body.object("originatorId")
            case .notifications: _ = try body.integer("limit")
            default: break
            }
        } catch {
            throw UnreadableCommands()
        }
    }

    private static func checkFirstGeneration(_ body: RequestObject) throws(APIError) {
        for member in ["startTs", "endTs", "timeWindow", "interval", "limit"] { _ = try body.integer(member) }
        for member in ["entityId", "keys", "scope"] { _ = try body.text(member) }
        _ = try body.boolean("unsubscribe")
        if let type = try body.text("entityType"), EntityType(name: type) == nil { throw .invalid("entityType") }
    }
}

/// Whom a client says to be.
struct WebSocketAuthentication: Sendable {
    var token: String?
    var apiKey: String?
}

/// One message of a client: an envelope of any of the three kinds of session.
struct WebSocketMessage: Sendable {
    var authentication: WebSocketAuthentication?
    var commands: [WebSocketCommand] = []

    /// As deep as an honest message can be, twice over.
    private static let maximumDepth = 64

    init(_ bytes: [UInt8], _ kind: WebSocketSessionKind) throws(UnreadableCommands) {
        guard let value = try? JSONValue.parse(bytes, maximumDepth: Self.maximumDepth),
            let object = value.objectValue
        else { throw UnreadableCommands() }
        switch kind {
        case .general: try readGeneral(object)
        case .telemetry: try readArrays(object)
        case .notifications: try readSingle(object)
        }
    }

    private mutating func readGeneral(_ object: JSONObject) throws(UnreadableCommands) {
        switch object["authCmd"] {
        case nil, .null: break
        case .object(let members):
            authentication = WebSocketAuthentication(
                token: members["token"]?.stringValue, apiKey: members["apiKey"]?.stringValue)
        default: throw UnreadableCommands()
        }
        switch object["cmds"] {
        case nil, .null: break
        case .array(let list):
            for element in list {
                guard let type = element.objectValue?["type"]?.stringValue,
                    let kind = WebSocketCommand.Kind(rawValue: type)
                else { throw UnreadableCommands() }
                commands.append(try WebSocketCommand(kind, element))
            }
        default: throw UnreadableCommands()
        }
    }

    /// Of sessions at `/api/ws/plugins/telemetry`, in the order in which they are processed (3.2).
    private static let arrays: [(String, WebSocketCommand.Kind)] = [
        ("attrSubCmds", .attributes), ("tsSubCmds", .timeseries), ("historyCmds", .history),
        ("entityDataCmds", .entityData), ("entityDataUnsubscribeCmds", .entityDataUnsubscribe),
        ("alarmDataCmds", .alarmData), ("alarmDataUnsubscribeCmds", .alarmDataUnsubscribe),
        ("entityCountCmds", .entityCount), ("entityCountUnsubscribeCmds", .entityCountUnsubscribe),
        ("alarmCountCmds", .alarmCount), ("alarmCountUnsubscribeCmds", .alarmCountUnsubscribe),
        ("alarmStatusCmds", .alarmStatus), ("alarmStatusUnsubscribeCmds", .alarmStatusUnsubscribe),
    ]

    private mutating func readArrays(_ object: JSONObject) throws(UnreadableCommands) {
        for (member, kind) in Self.arrays {
            switch object[member] {
            case nil, .null: break
            case .array(let list): for element in list { commands.append(try WebSocketCommand(kind, element)) }
            default: throw UnreadableCommands()
            }
        }
    }

    /// Of sessions at `/api/ws/plugins/notifications` (3.3).
    private static let singles: [(String, WebSocketCommand.Kind)] = [
        ("unreadCountSubCmd", .notificationsCount), ("unreadSubCmd", .notifications), ("markAsReadCmd", .markAsRead),
        ("markAllAsReadCmd", .markAllAsRead), ("unsubCmd", .notificationsUnsubscribe),
    ]

    private mutating func readSingle(_ object: JSONObject) throws(UnreadableCommands) {
        for (member, kind) in Self.singles {
            guard let value = object[member], value != .null else { continue }
            commands.append(try WebSocketCommand(kind, value))
        }
    }
}

/// What a session is for: said by its path (`websocket-api.md` 1).
enum WebSocketSessionKind: Sendable {
    case general, telemetry, notifications
}
