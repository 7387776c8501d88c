/// Keeps bytes by cache and key, and may forget or fail at any time: whoever asks must be able to do without. Safe from any
/// thread.
///
/// Two ways lead in. ``write(_:_:_:version:)`` says what holds now. ``fill(_:_:_:version:)`` offers what was read from the
/// database, and loses against everything that was written or evicted since the reading began.
public protocol CacheStore: Sendable {
    /// What is known of the key. A failure is a miss.
    func read(_ cache: CacheName, _ key: String) async -> CacheEntry

    /// Offers what was read: `nil` for "does not exist".
    ///
    /// - Parameter version: Grows with every change of the entity; 0 where it has none.
    func fill(_ cache: CacheName, _ key: String, _ value: [UInt8]?, version: Int64) async

    /// Puts what holds now, unless a higher version is there. Returns whether it is kept.
    @discardableResult
    func write(_ cache: CacheName, _ key: String, _ value: [UInt8], version: Int64) async -> Bool

    /// Forgets the key, after the change was committed. An eviction that fails is repeated until it is done, and the key is
    /// a miss for this process until then.
    func evict(_ cache: CacheName, _ key: String) async
}

/// What a cache knows of a key.
public enum CacheEntry: Sendable, Equatable {
    case value([UInt8])
    /// It is known not to exist.
    case absent
    /// Nothing is known.
    case miss
}
