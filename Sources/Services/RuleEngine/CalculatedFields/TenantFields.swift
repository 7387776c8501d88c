import CalculatedFields
import Model
import ScriptEngine
import Storage

/// A calculated field, ready to be computed.
struct CompiledField: Sendable {
    var id: CalculatedFieldID
    var version: Int64
    var name: String
    var entity: EntityID
    var debug: RuleNodeDebugSettings
    var arguments: [FieldArgument]
    var formula: Result<FieldFormula, FieldCalculationError>
    /// `nil` of alarm rules.
    var output: FieldOutput?

    /// Compiles a stored field.
    ///
    /// - Returns: `nil` for one that cannot be read: it was stored by another version of the platform.
    init?(_ field: CalculatedField, _ engine: ScriptEngine) async {
        guard let type = FieldType(rawValue: field.type),
            let configuration = try? FieldConfiguration(field.configuration.value, type: type)
        else { return nil }
        id = field.id
        version = field.version
        name = field.name
        entity = field.entity
        debug = field.debug
        arguments = configuration.arguments
        output = configuration.output
        do throws(FieldCalculationError) {
            formula = .success(try await FieldFormula(configuration, tenant: field.tenantID, engine))
        } catch {
            formula = .failure(error)
        }
    }
}

/// The calculated fields of a tenant, by what makes them be computed.
struct TenantFields: Sendable {
    /// By the entity or profile that they belong to.
    private(set) var byOwner: [UUID128: [CompiledField]] = [:]
    /// By other entities whose values they use.
    private(set) var byReference: [UUID128: [CompiledField]] = [:]
    private(set) var versions: [CalculatedFieldID: Int64] = [:]
    /// Keys of all arguments.
    private(set) var keys: Set<String> = []
    private(set) var hasProfiles = false
    let limits: StoredCalculatedFields

    var isEmpty: Bool { byOwner.isEmpty }

    /// - Parameter before: What is compiled already.
    init(_ stored: StoredCalculatedFields, before: TenantFields?, _ engine: ScriptEngine) async {
        var limits = stored
        limits.fields = []
        self.limits = limits
        for field in stored.fields {
            let known = before?.byOwner[field.entity.uuid]?.first { $0.id == field.id && $0.version == field.version }
            let made: CompiledField?
            if let known, case .success = known.formula {
                made = known
            } else {
                made = await CompiledField(field, engine)
            }
            if let made { add(made) }
        }
    }

    private mutating func add(_ field: CompiledField) {
        byOwner[field.entity.uuid, default: []].append(field)
        versions[field.id] = field.version
        if field.entity.type == .deviceProfile || field.entity.type == .assetProfile { hasProfiles = true }
        for argument in field.arguments { keys.insert(argument.key) }
        for other in Set(field.arguments.compactMap(\.entity)) where other != field.entity {
            byReference[other.uuid, default: []].append(field)
        }
    }

    /// Whether a change of the entity may concern a field.
    ///
    /// - Parameter profile: Of the entity; `nil` where it is not known.
    func mayConcern(_ entity: EntityID, profile: UUID128?) -> Bool {
        if byOwner[entity.uuid] != nil || byReference[entity.uuid] != nil { return true }
        guard hasProfiles, entity.type == .device || entity.type == .asset else { return false }
        return profile.map { byOwner[$0] != nil } ?? true
    }
}
