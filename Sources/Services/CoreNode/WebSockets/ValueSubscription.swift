internal import Model
internal import Storage
internal import Telemetry

/// A subscription of the first generation to attributes or time series of one entity (`websocket-api.md` 4).
final class ValueSubscription: WebSocketSubscription {
    enum Subject {
        /// `nil`: of any scope.
        case attributes(AttributeScope?)
        /// - Parameter onlyLatest: Whether points that are older than the latest are passed over.
        case timeseries(onlyLatest: Bool)
    }

    private struct Place: Hashable {
        var scope: AttributeScope?
        var key: String
    }

    private let source: TimeseriesSource
    private let subject: Subject
    /// `nil`: all.
    private let keys: Set<String>?
    /// What the client knows of each key.
    private var known: [Place: (timestamp: Int64, text: String)] = [:]
    private var rereadKeys: Set<String> = []
    private var isReleased = false

    override var countsForLimits: Bool { true }

    init(
        id: Int32, session: WebSocketSession, source: TimeseriesSource, subject: Subject, keys: [String]?
    ) {
        self.source = source
        self.subject = subject
        self.keys = keys.map { Set($0) }
        super.init(id: id, session: session)
    }

    /// Begins to hear, before anything is read.
    func begin() { watch([source.entity]) }

    /// The client has this; what it missed since then follows.
    func start(attributes: [(AttributeScope, StoredAttribute)]) {
        for (scope, attribute) in attributes {
            known[place(scope, attribute.key)] = (attribute.lastUpdate, attribute.value.text)
        }
        release()
        isReleased = true
    }

    func start(latest: [String: StoredPoint]) {
        for (key, point) in latest { known[Place(key: key)] = (point.timestamp, point.value.text) }
        release()
        isReleased = true
    }

    private func place(_ scope: AttributeScope, _ key: String) -> Place { Place(scope: scope, key: key) }

    // MARK: - Changes

    override func changed(_ change: CommittedChange) {
        var data: [String: WebSocketReply.Points] = [:]
        switch (subject, change.content) {
        case (.timeseries(let onlyLatest), .timeseries(let time, _, let points)):
            guard source.contains(time) else { return }
            for point in points.points {
                let key = points.key(of: point)
                guard wants(key) else { continue }
                let text = points.value(of: point).text
                guard accepts(Place(key: key), time, text, onlyNewer: onlyLatest) else { continue }
                data[key, default: []].append((time, text))
            }
        case (.attributes(let wanted), .attributes(let scope, let time, let points)):
            guard wanted == nil || wanted == scope else { return }
            for point in points.points {
                let key = points.key(of: point)
                guard wants(key) else { continue }
                let text = points.value(of: point).text
                if change.origin.isOnlyIfChanged, known[place(scope, key)]?.text == text { continue }
                guard accepts(place(scope, key), time, text, onlyNewer: true) else { continue }
                data[key, default: []].append((time, text))
            }
        case (.attributes(let wanted), .attributesDeleted(let scope, let keys)):
            guard wanted == nil || wanted == scope else { return }
            for key in keys where wants(key) {
                known[place(scope, key)] = nil
                data[key] = [(0, "")]
            }
        case (.timeseries, .timeseriesDeleted(let keys)):
            rereadKeys.formUnion(keys.filter(wants))
            if !rereadKeys.isEmpty { refreshSoon() }
        default: break
        }
        if !data.isEmpty { send(WebSocketReply.values(id, data)) }
    }

    private func wants(_ key: String) -> Bool { keys?.contains(key) ?? true }

    /// Whether the client does not know it yet.
    private func accepts(_ place: Place, _ time: Int64, _ text: String, onlyNewer: Bool) -> Bool {
        if let present = known[place] {
            if present.timestamp == time, present.text == text, onlyNewer || !isReleased { return false }
            if present.timestamp > time {
                // While the beginning is read, older points may be in it already.
                return !onlyNewer
            }
        }
        known[place] = (time, text)
        return true
    }

    override func compare() async {
        var data: [String: WebSocketReply.Points] = [:]
        switch subject {
        case .timeseries:
            let latest = try? await source.latest(keys: keys.map { Array($0) }, from: services.reader)
            for (key, point) in latest ?? [:] {
                guard accepts(Place(key: key), point.timestamp, point.value.text, onlyNewer: true) else { continue }
                data[key] = [(point.timestamp, point.value.text)]
            }
        case .attributes(let wanted):
            for scope in wanted.map({ [$0] }) ?? AttributeScope.allCases {
                let found = try? await services.attributes.find(
                    entity: source.entity, scope: scope, keys: keys.map { Array($0) })
                for attribute in found ?? [] {
                    let text = attribute.value.text
                    guard accepts(place(scope, attribute.key), attribute.lastUpdate, text, onlyNewer: true) else {
                        continue
                    }
                    data[attribute.key] = [(attribute.lastUpdate, text)]
                }
            }
        }
        if !isEnded, !data.isEmpty { send(WebSocketReply.values(id, data)) }
    }

    /// Points were deleted: of each key another value may be the latest now, or none.
    override func refresh(isPeriodic: Bool) async {
        let keys = rereadKeys
        rereadKeys = []
        guard !keys.isEmpty, let latest = try? await source.latest(keys: Array(keys), from: services.reader) else {
            return
        }
        var data: [String: WebSocketReply.Points] = [:]
        for key in keys {
            let present = known[Place(key: key)]
            if let point = latest[key] {
                if let present, present.timestamp == point.timestamp, present.text == point.value.text { continue }
                known[Place(key: key)] = (point.timestamp, point.value.text)
                data[key] = [(point.timestamp, point.value.text)]
            } else if present != nil {
                known[Place(key: key)] = nil
                data[key] = [(0, "")]
            }
        }
        if !data.isEmpty { send(WebSocketReply.values(id, data)) }
    }
}
