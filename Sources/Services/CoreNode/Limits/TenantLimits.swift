internal import Cache
internal import JSON
internal import Model
internal import Storage
internal import Synchronization

/// What the profile of a tenant allows (`rest-api.md` 3.1): how often the API may be called. (Numbers of
/// entities are `EntityLimits`, in the transaction that makes one.)
///
/// Profiles are kept for a few seconds, so that a request costs no statement; a change made on this node holds at once.
final class TenantLimits: Sendable {
    private struct Entry {
        var configuration: JSONObject
        var tenantRate: RateLimit?
        var customerRate: RateLimit?
        var readTime: Int64
    }

    /// Milliseconds.
    private static let freshness: Int64 = 10_000

    private let database: any StatementRunner
    private let entries = Mutex(LRUCache<TenantID, Entry>(capacity: 10_000))
    private let tenantRates: RateLimiter
    private let customerRates: RateLimiter

    init(database: any StatementRunner, counts: (any SharedCounts)?) {
        self.database = database
        tenantRates = RateLimiter("rest-tenant", shared: counts)
        customerRates = RateLimiter("rest-customer", shared: counts)
    }

    /// Profiles have changed.
    func forget() { entries.withLock { $0 = LRUCache(capacity: 10_000) } }

    // MARK: - Requests

    /// Counts a request of the API against the limits of the caller's tenant and customer.
    func countRequest(of principal: Principal, now: Int64) async throws {
        if principal.authority == .systemAdministrator { return }
        let entry = try await entry(principal.tenantID, now: now)
        if let rate = entry.tenantRate {
            guard await tenantRates.allows(principal.tenantID.uuid, rate, now: now) else {
                throw APIError(429, .tooManyRequests, "Too many requests for current tenant!")
            }
        }
        if !principal.customerID.isNull, let rate = entry.customerRate {
            guard await customerRates.allows(principal.customerID.uuid, rate, now: now) else {
                throw APIError(429, .tooManyRequests, "Too many requests for current customer!")
            }
        }
    }

    // MARK: - Other numbers

    /// A number of the profile; 0 when it is absent, which stands for no limit, unless there is another default.
    func number(_ key: String, default fallback: Int64 = 0, tenant: TenantID, now: Int64) async throws -> Int64 {
        try await entry(tenant, now: now).configuration[key]?.integerValue ?? fallback
    }

    /// A limit of the profile that is given as text; `nil` for none.
    func rate(_ key: String, tenant: TenantID, now: Int64) async throws -> RateLimit? {
        try await entry(tenant, now: now).configuration[key]?.stringValue.flatMap(RateLimit.init)
    }

    private func entry(_ tenant: TenantID, now: Int64) async throws -> Entry {
        if let entry = entries.withLock({ $0.value(for: tenant) }), now - entry.readTime < Self.freshness {
            return entry
        }
        let profile = try await TenantProfileRepository(database).find(tenant: tenant)
        let configuration = profile?.profileData.value["configuration"]?.objectValue ?? [:]
        func rate(_ key: String) -> RateLimit? {
            guard let text = configuration[key]?.stringValue, !text.isEmpty else { return nil }
            return RateLimit(text)
        }
        let entry = Entry(
            configuration: configuration, tenantRate: rate("tenantServerRestLimitsConfiguration"),
            customerRate: rate("customerServerRestLimitsConfiguration"), readTime: now)
        entries.withLock { $0.insert(entry, for: tenant) }
        return entry
    }
}
