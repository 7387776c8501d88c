import CZooKeeper
import Synchronization

/// What a completion callback hands the outcome to; C holds one reference until it has called.
private final class Completion<Value: Sendable>: Sendable {
    let continuation: CheckedContinuation<Result<Value, ZooKeeperError>, Never>
    let operation: String
    let path: String

    init(
        _ continuation: CheckedContinuation<Result<Value, ZooKeeperError>, Never>, operation: String, path: String
    ) {
        self.continuation = continuation
        self.operation = operation
        self.path = path
    }

    func finish(_ code: Int32, _ value: () -> Value) {
        if code == ZOK.rawValue {
            continuation.resume(returning: .success(value()))
        } else {
            continuation.resume(returning: .failure(ZooKeeperError(code: code, operation: operation, subject: path)))
        }
    }

    static func take(_ context: UnsafeRawPointer?) -> Completion {
        Unmanaged<Completion>.fromOpaque(context!).takeRetainedValue()  // Every request passes one.
    }
}

extension ZooKeeperSession {
    /// Makes a node below an existing one.
    ///
    /// - Parameter onlyForCreator: Whether the node's access control list lets in only who has the session's credentials.
    /// - Returns: Its path, with the number of a sequential one.
    @discardableResult
    public func create(
        _ path: String, data: [UInt8] = [], mode: ZooKeeperNodeMode = .persistent, onlyForCreator: Bool = false
    ) async throws(ZooKeeperError) -> String {
        let flags: Int32 =
            switch mode {
            case .persistent: ZOO_PERSISTENT
            case .ephemeral: ZOO_EPHEMERAL
            case .ephemeralSequential: ZOO_EPHEMERAL_SEQUENTIAL
            }
        let bytes = data.map { CChar(bitPattern: $0) }
        return try await request("create", path, giving: String.self) { handle, context in
            zoo_acreate(
                handle, path, bytes, Int32(bytes.count),
                onlyForCreator ? czookeeper_creator_acl() : czookeeper_open_acl(), flags, stringCompletion, context)
        }
    }

    /// Makes the persistent node at `path` and those above it, where they do not exist.
    public func ensure(_ path: String) async throws(ZooKeeperError) {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if try await status(of: prefix) != nil { continue }
            do {
                try await create(prefix)
            } catch {
                // Somebody else may have made it in between.
                if error.kind != .nodeExists { throw error }
            }
        }
    }

    /// The node's data.
    ///
    /// - Parameter watch: Whether the session's handler hears of the next change.
    public func data(at path: String, watch: Bool = false) async throws(ZooKeeperError) -> [UInt8] {
        try await request("get", path, giving: [UInt8].self) { handle, context in
            zoo_aget(handle, path, watch ? 1 : 0, dataCompletion, context)
        }
    }

    /// - Parameter version: What the node must have; -1 for any.
    public func setData(_ data: [UInt8], at path: String, version: Int32 = -1) async throws(ZooKeeperError) {
        let bytes = data.map { CChar(bitPattern: $0) }
        _ = try await request("set", path, giving: ZooKeeperNodeStatus.self) { handle, context in
            zoo_aset(handle, path, bytes, Int32(bytes.count), version, statusCompletion, context)
        }
    }

    /// `nil` when there is no such node.
    ///
    /// - Parameter watch: Whether the session's handler hears of the next change, of its creation where there is none.
    public func status(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> ZooKeeperNodeStatus? {
        do {
            return try await request("exists", path, giving: ZooKeeperNodeStatus.self) { handle, context in
                zoo_aexists(handle, path, watch ? 1 : 0, statusCompletion, context)
            }
        } catch {
            if error.kind == .noNode { return nil }
            throw error
        }
    }

    /// - Parameter version: What the node must have; -1 for any.
    public func delete(_ path: String, version: Int32 = -1) async throws(ZooKeeperError) {
        try await request("delete", path, giving: Void.self) { handle, context in
            zoo_adelete(handle, path, version, voidCompletion, context)
        }
    }

    /// The names of the node's children, sorted.
    ///
    /// - Parameter watch: Whether the session's handler hears of the next child that comes or goes.
    public func children(of path: String, watch: Bool = false) async throws(ZooKeeperError) -> [String] {
        try await request("children", path, giving: [String].self) { handle, context in
            zoo_aget_children(handle, path, watch ? 1 : 0, stringsCompletion, context)
        }
    }

    /// Returns when the server that this session is connected to has seen everything that the leader had when it was
    /// asked. So it proves, too, that the session was alive in the ensemble after the call began.
    public func sync(_ path: String = "/") async throws(ZooKeeperError) {
        _ = try await request("sync", path, giving: String.self) { handle, context in
            zoo_async(handle, path, stringCompletion, context)
        }
    }

    private func request<Value: Sendable>(
        _ operation: String, _ path: String, giving: Value.Type,
        _ start: (OpaquePointer, UnsafeRawPointer) -> Int32
    ) async throws(ZooKeeperError) -> Value {
        let outcome = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, ZooKeeperError>, Never>) in
            let completion = Completion(continuation, operation: operation, path: path)
            // C holds one reference from here on; the completion takes it back, once.
            let context = Unmanaged.passRetained(completion)
            let code = state.withLock { state in
                guard let handle = state.handle else { return ZCLOSING.rawValue }
                return start(handle, context.toOpaque())
            }
            guard code == ZOK.rawValue else {
                // Refused, so that the completion never runs.
                context.release()
                continuation.resume(
                    returning: .failure(ZooKeeperError(code: code, operation: operation, subject: path)))
                return
            }
        }
        return try outcome.get()
    }
}

// MARK: - Completions, on the library's completion thread: copy, hand over, return

private func stringCompletion(code: Int32, value: UnsafePointer<CChar>?, context: UnsafeRawPointer?) {
    Completion<String>.take(context).finish(code) { value.map { String(cString: $0) } ?? "" }
}

private func voidCompletion(code: Int32, context: UnsafeRawPointer?) {
    Completion<Void>.take(context).finish(code) {}
}

private func dataCompletion(
    code: Int32, bytes: UnsafePointer<CChar>?, count: Int32, stat: UnsafePointer<Stat>?, context: UnsafeRawPointer?
) {
    // A node without data has the length -1.
    Completion<[UInt8]>.take(context).finish(code) {
        [UInt8](UnsafeRawBufferPointer(start: bytes, count: max(0, Int(count))))
    }
}

private func statusCompletion(code: Int32, stat: UnsafePointer<Stat>?, context: UnsafeRawPointer?) {
    Completion<ZooKeeperNodeStatus>.take(context).finish(code) {
        let stat = stat?.pointee ?? Stat()
        return ZooKeeperNodeStatus(
            version: stat.version, creation: stat.czxid, ephemeralOwner: stat.ephemeralOwner,
            childCount: Int(stat.numChildren))
    }
}

private func stringsCompletion(code: Int32, strings: UnsafePointer<String_vector>?, context: UnsafeRawPointer?) {
    Completion<[String]>.take(context).finish(code) {
        guard let list = strings?.pointee, let data = list.data else { return [] }
        return (0..<Int(list.count)).compactMap { data[$0].map { String(cString: $0) } }.sorted()
    }
}
