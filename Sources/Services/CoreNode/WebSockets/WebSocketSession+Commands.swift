internal import JSON
internal import Logging
internal import Model
internal import Storage
internal import Telemetry
internal import WebSocket

/// What sessions do with commands (`websocket-api.md` 3 to 9).
extension WebSocketSession {
    func execute(_ command: WebSocketCommand) async {
        guard command.id >= 0 else {
            return send(WebSocketReply.failure(command.id, .bad("Cmd id is negative value!")), for: command.id)
        }
        do {
            switch command.kind {
            case .attributes, .timeseries:
                if try command.body.boolean("unsubscribe") ?? false { return unsubscribe(command) }
                try await admit(command)
                try await subscribe(command)
            case .history: try await answerHistory(command)
            case .entityData:
                try await admit(command)
                try await EntityDataSubscription.execute(command, in: self)
            case .entityCount:
                guard subscriptions[command.id] == nil else { return }
                try await admit(command)
                try await EntityCountSubscription.execute(command, in: self)
            case .alarmData:
                try await admit(command)
                try await AlarmDataSubscription.execute(command, in: self)
            case .alarmCount:
                guard subscriptions[command.id] == nil else { return }
                try await admit(command)
                try await AlarmCountSubscription.execute(command, in: self)
            case .alarmStatus:
                guard subscriptions[command.id] == nil else { return }
                try await admit(command)
                try await AlarmStatusSubscription.execute(command, in: self)
            case .entityDataUnsubscribe, .entityCountUnsubscribe, .alarmDataUnsubscribe, .alarmCountUnsubscribe,
                .alarmStatusUnsubscribe, .notificationsUnsubscribe:
                unsubscribe(command.id)
            case .notifications, .notificationsCount: answerNotifications(command)
            // Nobody has any that could be marked.
            case .markAsRead, .markAllAsRead: break
            }
        } catch let limit as WebSocketLimitReached {
            close(.policyViolation, limit.reason)
        } catch let failure as WebSocketFailure {
            send(WebSocketReply.failure(command.id, failure), for: command.id)
        } catch is LostSubscription {
            close(.restart, "")
        } catch {
            send(WebSocketReply.failure(command.id, Self.failure(error, service.logger)), for: command.id)
        }
    }

    /// What a client is told of an error that no rule of the page names.
    static func failure(_ error: any Error, _ logger: Logger) -> WebSocketFailure {
        if let known = APIError(error) {
            return known.status == 401 || known.status == 403 ? .unauthorized : .failed(known.message)
        }
        if let known = error as? TelemetryReader.QueryError { return .failed(APIError(known).message) }
        logger.limited(.error, "a WebSocket command failed", ["error": .string(String(describing: error))])
        return .failed("Internal Server error!")
    }

    /// The bounds on subscriptions (10.1).
    private func admit(_ command: WebSocketCommand) async throws {
        guard let principal else { return }
        if subscriptions[command.id] == nil, subscriptions.count >= WebSocketSettings.maximumSubscriptions {
            throw WebSocketFailure.bad("Too many subscriptions in this session")
        }
        let now = CurrentTime.milliseconds
        if let rate = service.settings.tenantRate,
            !(await service.tenantRates.allows(principal.tenantID.uuid, rate, now: now))
        {
            throw WebSocketFailure.bad("Exceeded rate limit for WS subscriptions per tenant")
        }
        if let rate = service.settings.userRate,
            !(await service.userRates.allows(principal.userID.uuid, rate, now: now))
        {
            throw WebSocketFailure.bad("Exceeded rate limit for WS subscriptions per user")
        }
    }

    // MARK: - First generation

    /// Without an entity everything ends (4.4).
    private func unsubscribe(_ command: WebSocketCommand) {
        if (try? command.body.text("entityId"))?.isEmpty ?? true { return unsubscribeAll() }
        unsubscribe(command.id)
    }

    private func entity(_ command: WebSocketCommand) throws -> EntityID {
        guard let text = try command.body.text("entityId"), !text.isEmpty else {
            throw WebSocketFailure.bad("Device id is empty!")
        }
        guard let uuid = UUID128(text) else { throw WebSocketFailure.bad("Invalid UUID string: \(text)") }
        let type = try command.body.text("entityType").flatMap { EntityType(name: $0) }
        return EntityID(type: type ?? .device, uuid: uuid)
    }

    private func keys(_ command: WebSocketCommand) throws -> [String]? {
        let keys = (try command.body.text("keys") ?? "").split(separator: ",").map(String.init)
        return keys.isEmpty ? nil : keys
    }

    /// - Parameter isTold: Whether the client learns that it may not; otherwise the data cannot be fetched.
    private func check(
        _ entity: EntityID, _ operation: Permissions.Operation, isTold: Bool, _ failure: WebSocketFailure
    ) async throws -> EntityID {
        guard let principal else { throw WebSocketFailure.unauthorized }
        do {
            return try await TelemetryAccess.check(entity, principal, operation, in: service.services).entity
        } catch let error as APIError where error.status < 500 {
            throw error.status == 403 && isTold ? WebSocketFailure.unauthorized : failure
        }
    }

    private func subscribe(_ command: WebSocketCommand) async throws {
        guard let principal else { return }
        let entity = try entity(command)
        let keys = try keys(command)
        let scope = try command.body.text("scope")
        // The place of another subscription is taken over.
        let replaced = subscriptions[command.id] as? ValueSubscription
        if replaced != nil { unsubscribe(command.id) }
        if command.kind == .attributes {
            let failure = WebSocketFailure.failed("Failed to fetch attributes!")
            _ = try await check(entity, .readAttributes, isTold: keys != nil, failure)
            let wanted: AttributeScope?
            switch scope {
            case nil, "", "ANY_SCOPE": wanted = nil
            case let name?:
                guard let known = AttributeScope(name: name) else {
                    throw WebSocketFailure.bad("Unknown attribute scope: \(name)")
                }
                wanted = known
            }
            let subscription = ValueSubscription(
                id: command.id, session: self, source: TimeseriesSource(entity.uuid), subject: .attributes(wanted),
                keys: keys)
            try await add(subscription, of: principal)
            try await answer(subscription, attributesOf: entity.uuid, wanted, keys)
        } else {
            _ = try await check(entity, .readTelemetry, isTold: keys == nil, .notFetched)
            let source = try await service.services.timeseriesSource(of: entity)
            let shown = source.shownKeys(keys)
            let subscription = ValueSubscription(
                id: command.id, session: self, source: source,
                subject: .timeseries(onlyLatest: scope == "LATEST_TELEMETRY"), keys: shown)
            try await add(subscription, of: principal)
            try await answer(subscription, command, source, shown)
        }
    }

    private func add(_ subscription: ValueSubscription, of principal: Principal) async throws {
        try await service.limits.take(.subscriptions, principal, now: CurrentTime.milliseconds)
        guard isOpen else { return service.limits.give(.subscriptions, principal) }
        subscribe(subscription)
        subscription.begin()
    }

    private func answer(
        _ subscription: ValueSubscription, attributesOf entity: UUID128, _ scope: AttributeScope?, _ keys: [String]?
    ) async throws {
        var found: [(AttributeScope, StoredAttribute)] = []
        do {
            for scope in scope.map({ [$0] }) ?? AttributeScope.allCases {
                found += try await service.services.attributes.find(entity: entity, scope: scope, keys: keys)
                    .map { (scope, $0) }
            }
        } catch {
            unsubscribe(subscription.id)
            throw error
        }
        var data: [String: WebSocketReply.Points] = [:]
        for (_, attribute) in found { data[attribute.key] = [(attribute.lastUpdate, attribute.value.text)] }
        send(WebSocketReply.values(subscription.id, data), for: subscription.id)
        subscription.start(attributes: found)
    }

    private func answer(
        _ subscription: ValueSubscription, _ command: WebSocketCommand, _ source: TimeseriesSource, _ keys: [String]?
    ) async throws {
        var data: [String: WebSocketReply.Points] = [:]
        let latest: [String: StoredPoint]
        do {
            latest = try await source.latest(keys: keys, from: service.services.reader)
            if let keys, let window = try command.body.integer("timeWindow"), window > 0 {
                let start = try command.body.integer("startTs") ?? 0
                let query = try SeriesQuery(command.body, from: start, to: start &+ window)
                for (key, points) in try await query.run(source, keys, in: service.services) {
                    data[key] = points.map { ($0.timestamp, $0.value.text) }
                }
            } else {
                for (key, point) in latest { data[key] = [(point.timestamp, point.value.text)] }
            }
        } catch {
            unsubscribe(subscription.id)
            throw error
        }
        send(WebSocketReply.values(subscription.id, data), for: subscription.id)
        subscription.start(latest: latest)
    }

    private func answerHistory(_ command: WebSocketCommand) async throws {
        let entity = try entity(command)
        guard let keys = try keys(command) else { throw WebSocketFailure.bad("Keys are empty!") }
        _ = try await check(entity, .readTelemetry, isTold: true, .notFetched)
        let source = try await service.services.timeseriesSource(of: entity)
        let query = try SeriesQuery(
            command.body, from: try command.body.integer("startTs") ?? 0, to: try command.body.integer("endTs") ?? 0)
        let found = try await query.run(source, source.shown(keys), in: service.services)
        send(
            WebSocketReply.values(
                command.id, found.mapValues { points in points.map { ($0.timestamp, $0.value.text) } }),
            for: command.id)
    }

    // MARK: - Notifications

    /// There is no notification centre here: nobody has unread notifications, and none will come (8).
    private func answerNotifications(_ command: WebSocketCommand) {
        let type: StaticString = command.kind == .notifications ? "NOTIFICATIONS" : "NOTIFICATIONS_COUNT"
        send(
            WebSocketReply.data(command.id, type) { writer in
                if command.kind == .notifications {
                    writer.key("notifications")
                    writer.array { _ in }
                    writer.key("update")
                    writer.null()
                }
                writer.member("totalUnreadCount", Int64(0))
                writer.member("sequenceNumber", Int64(1))
            }, for: command.id)
    }
}

/// A subscription that is asked to go on was never begun (5.3).
struct LostSubscription: Error {}
