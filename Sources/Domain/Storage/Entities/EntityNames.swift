public import Model
internal import Postgres

/// What entities of any kind are called: name, title or e-mail address.
public struct EntityNames: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// The names of those that exist, with one statement for each kind of entity.
    public func find(_ entities: some Sequence<EntityID>) async throws -> [EntityID: String] {
        var names: [EntityID: String] = [:]
        for (type, group) in Dictionary(grouping: Set(entities), by: \.type) {
            guard let statement = Self.statements[type] else { continue }
            for row in try await runner.query(statement, [.ids(group.map(\.uuid))]) {
                guard let id = row.id(0) else { continue }
                names[EntityID(type: type, uuid: id)] = row.text(1)
            }
        }
        return names
    }

    private static let statements: [EntityType: String] = [
        .tenant: "SELECT id, title FROM tenant WHERE id = ANY($1)",
        .customer: "SELECT id, title FROM customer WHERE id = ANY($1)",
        .user: "SELECT id, email FROM tb_user WHERE id = ANY($1)",
        .dashboard: "SELECT id, title FROM dashboard WHERE id = ANY($1)",
        .asset: "SELECT id, name FROM asset WHERE id = ANY($1)",
        .device: "SELECT id, name FROM device WHERE id = ANY($1)",
        .entityView: "SELECT id, name FROM entity_view WHERE id = ANY($1)",
        .deviceProfile: "SELECT id, name FROM device_profile WHERE id = ANY($1)",
        .assetProfile: "SELECT id, name FROM asset_profile WHERE id = ANY($1)",
        .ruleChain: "SELECT id, name FROM rule_chain WHERE id = ANY($1)",
        .ruleNode: "SELECT id, name FROM rule_node WHERE id = ANY($1)",
        .edge: "SELECT id, name FROM edge WHERE id = ANY($1)",
        .calculatedField: "SELECT id, name FROM calculated_field WHERE id = ANY($1)",
    ]
}
