/// The server's settings file, computed from the machine.
///
/// Durability is not traded: `fsync`, `synchronous_commit` and `full_page_writes` stay on.
struct ServerSettings {
    var machine: MachineFacts
    var socketFolder: String

    private static let megabyte = 1 << 20
    static let maximumConnections = 100

    /// A quarter of the memory, as the manual advises, but no more than the 4 GB beyond which checkpoints of a
    /// write-heavy load only grow.
    private var sharedBuffers: Int { clamp(machine.memoryBytes / 4, 64, 4096) }

    /// The log may grow by that much between checkpoints. Few checkpoints mean few full-page images, which are most of
    /// the log of random inserts; but a small disk must not be filled by it.
    private var maximumLogSize: Int { clamp(machine.freeDiskBytes / 10, 64, 4096) }

    /// Bytes to megabytes within bounds.
    private func clamp(_ bytes: Int, _ low: Int, _ high: Int) -> Int { min(max(bytes / Self.megabyte, low), high) }

    var text: String {
        """
        # Written at every start: changes here are lost. Settings of your own belong in override.conf beside this file.
        listen_addresses = ''
        port = \(ServerLayout.port)
        unix_socket_directories = '\(socketFolder.split(separator: "'").joined(separator: "''"))'
        unix_socket_permissions = 0700
        max_connections = \(Self.maximumConnections)

        # Memory
        shared_buffers = \(sharedBuffers)MB
        effective_cache_size = \(clamp(machine.memoryBytes / 2, 128, 1 << 20))MB
        work_mem = \(clamp(machine.memoryBytes / 512, 4, 32))MB
        maintenance_work_mem = \(clamp(machine.memoryBytes / 16, 32, 512))MB
        huge_pages = try

        # Durability: never changed
        fsync = on
        synchronous_commit = on
        full_page_writes = on

        # Log. Writers commit whole batches, and commits that wait for one flush share the next one; a commit_delay
        # would only add to the time of each.
        wal_level = minimal
        max_wal_senders = 0
        wal_compression = lz4
        wal_buffers = \(clamp(machine.memoryBytes / 64, 4, 64))MB
        max_wal_size = \(maximumLogSize)MB
        min_wal_size = \(max(32, maximumLogSize / 4))MB
        commit_delay = 0
        checkpoint_timeout = 15min
        checkpoint_completion_target = 0.9
        recovery_init_sync_method = syncfs

        # Planner: small queries on solid-state disks
        jit = off
        random_page_cost = 1.1
        max_parallel_workers_per_gather = \(machine.processors >= 8 ? 2 : 0)

        # Vacuum keeps up with tables that are rewritten all the time; ts_kv_latest has settings of its own
        autovacuum = on
        autovacuum_max_workers = 2
        autovacuum_naptime = 30s
        autovacuum_vacuum_cost_limit = 1000

        # What is said: problems, without row values or statements
        logging_collector = off
        log_destination = stderr
        log_line_prefix = '%m [%p] '
        log_error_verbosity = terse
        log_min_messages = warning
        log_min_error_statement = panic
        log_checkpoints = off
        log_autovacuum_min_duration = -1
        lc_messages = 'C'
        timezone = 'UTC'
        log_timezone = 'UTC'

        include_if_exists = 'override.conf'

        """
    }

    /// Who may connect: see ``ServerLayout``.
    static let accessRules = "local all all trust\n"
}
