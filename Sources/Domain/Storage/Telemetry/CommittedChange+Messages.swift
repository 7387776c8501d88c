public import Messages

/// What was committed, on its way to another process.
extension CommittedChange {
    public init(_ told: WatchedChange) {
        var origin = SaveOrigin(tenant: told.tenant, entityType: nil)
        switch told.content {
        case .timeseries(let time, let streams, let points):
            content = .timeseries(time, TelemetryStreams(rawValue: streams), points)
        case .attributes(let scope, let time, let points, let isOnlyIfChanged):
            content = .attributes(scope, time, points)
            origin.isOnlyIfChanged = isOnlyIfChanged
        case .timeseriesDeleted(let keys): content = .timeseriesDeleted(keys: keys)
        case .attributesDeleted(let scope, let keys): content = .attributesDeleted(scope, keys: keys)
        case .alarm(let id, let isDeleted): content = .alarm(id, isDeleted: isDeleted)
        }
        self.origin = origin
        entity = told.entity
    }

    /// Without what only this process needs.
    public var told: WatchedChange {
        let content: WatchedChange.Content =
            switch self.content {
            case .timeseries(let time, let streams, let points): .timeseries(time, streams: streams.rawValue, points)
            case .attributes(let scope, let time, let points):
                .attributes(scope, time, points, isOnlyIfChanged: origin.isOnlyIfChanged)
            case .timeseriesDeleted(let keys): .timeseriesDeleted(keys)
            case .attributesDeleted(let scope, let keys): .attributesDeleted(scope, keys)
            case .alarm(let id, let isDeleted): .alarm(id, isDeleted: isDeleted)
            }
        return WatchedChange(tenant: origin.tenant, entity: entity, content: content)
    }
}
