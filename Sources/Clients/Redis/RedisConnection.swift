/// A connection that has introduced itself, used by one thread at a time.
final class RedisConnection {
    private let socket: RedisSocket
    private var reader = RedisReplyReader()
    private let readTimeout: Int64

    /// Connects and, as configured, authenticates, names itself and selects the database.
    init(
        connecting address: RedisAddress, _ configuration: RedisConfiguration, tls: RedisTLSContext?,
        userName: String?, password: String?, database: Int
    ) throws(RedisError) {
        socket = try RedisSocket(
            connecting: address, tls: tls,
            deadline: RedisClock.now() + configuration.connectTimeout.wholeNanoseconds)
        readTimeout = configuration.readTimeout.wholeNanoseconds
        if let password {
            let arguments = ["AUTH"] + (userName.map { [$0] } ?? []) + [password]
            try introduce(RedisCommand(arguments: arguments.map { Array($0.utf8) }, key: nil), address)
        }
        if let name = configuration.clientName { try introduce(RedisCommand("CLIENT", "SETNAME", name), address) }
        if database != 0 { try introduce(RedisCommand("SELECT", String(database)), address) }
    }

    private func introduce(_ command: RedisCommand, _ address: RedisAddress) throws(RedisError) {
        do {
            _ = try execute(command)
        } catch {
            // Without this the connection is of no use: the same as no connection.
            guard case .refused(let words) = error else { throw error }
            throw .unavailable(reason: "\(address): \(words)")
        }
    }

    /// Sends one command and returns its reply.
    func execute(_ command: RedisCommand) throws(RedisError) -> RedisValue {
        var wire: [UInt8] = []
        command.encode(into: &wire)
        try send(wire)
        let value = try receive()
        if case .error(let words) = value { throw .refused(words) }
        return value
    }

    /// Sends commands; as many replies follow.
    func send(_ wire: [UInt8]) throws(RedisError) {
        try socket.write(wire, deadline: RedisClock.now() + readTimeout)
    }

    /// The next reply.
    func receive() throws(RedisError) -> RedisValue {
        let deadline = RedisClock.now() + readTimeout
        while true {
            if let value = try reader.next() { return value }
            try socket.read(deadline: deadline) { reader.feed($0) }
        }
    }
}
