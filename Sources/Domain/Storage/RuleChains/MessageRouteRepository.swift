public import Model
internal import Postgres

/// The chain and the queue of a new message.
public struct MessageRoute: Sendable, Equatable {
    /// `nil`: the tenant's root chain.
    public var chain: RuleChainID?
    /// `nil`: `Main`.
    public var queue: String?

    public init(chain: RuleChainID? = nil, queue: String? = nil) {
        self.chain = chain
        self.queue = queue
    }

    /// What the profile says.
    public init(_ profile: DeviceProfile) {
        self.init(
            chain: profile.defaultRuleChainID.map(RuleChainID.init),
            queue: profile.defaultQueueName.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// What the profile says.
    public init(_ profile: AssetProfile) {
        self.init(
            chain: profile.defaultRuleChainID.map(RuleChainID.init),
            queue: profile.defaultQueueName.flatMap { $0.isEmpty ? nil : $0 })
    }
}

/// Finds where messages of an originator begin (`rule-engine.md` 1.5).
public struct MessageRouteRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    private static let statements: [EntityType: String] = [
        .deviceProfile: "SELECT default_rule_chain_id, default_queue_name FROM device_profile WHERE id = $1",
        .assetProfile: "SELECT default_rule_chain_id, default_queue_name FROM asset_profile WHERE id = $1",
        .device: """
        SELECT p.default_rule_chain_id, p.default_queue_name
        FROM device d JOIN device_profile p ON p.id = d.device_profile_id WHERE d.id = $1
        """,
        .asset: """
        SELECT p.default_rule_chain_id, p.default_queue_name
        FROM asset a JOIN asset_profile p ON p.id = a.asset_profile_id WHERE a.id = $1
        """,
    ]

    /// The route of messages from a device, an asset or a profile of either; the root chain for any other originator.
    public func route(of originator: EntityID) async throws -> MessageRoute {
        guard let statement = Self.statements[originator.type],
            let row = try await runner.query(statement, [.id(originator.uuid)]).first
        else { return MessageRoute() }
        let queue = row.text(1).flatMap { $0.isEmpty ? nil : $0 }
        return MessageRoute(chain: row.id(0).map(RuleChainID.init), queue: queue)
    }
}
