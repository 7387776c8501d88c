internal import Glibc
internal import Reactor

/// One run of the load tester, from its options to its exit status.
public struct LoadTest: Sendable {
    let options: LoadTestOptions
    let console: Console

    public init(options: LoadTestOptions) {
        self.options = options
        console = Console(showsProgress: !options.isQuiet)
    }

    /// Runs, prints the report on standard output, and returns the exit status: 0; 1 when an acknowledged message is
    /// missing or the run failed.
    public func run() async -> Int32 {
        Interruption.install()
        DescriptorLimit.raise()
        do {
            if options.plotPath?.hasSuffix(".png") == true, !ImageConverter.isAvailable {
                throw LoadTestError.noImageProgram
            }
            let rest = options.usesREST ? try RESTSession(options: options) : nil
            defer { rest?.close() }
            var report = try await (options.verifiesOnly ? verifyOnly(rest) : load(rest))
            report.processorSeconds = Process.processorSeconds
            console.print(report.text)
            let problems = report.writeFiles()
            for problem in problems { console.complain(problem) }
            return report.isSound && problems.isEmpty ? 0 : 1
        } catch {
            console.complain("\(error)")
            return 1
        }
    }

    private func verifyOnly(_ rest: RESTSession?) async throws -> LoadReport {
        guard let rest, let path = options.ledgerPath else { throw LoadTestError.noLedger }
        try await rest.client.logIn()
        var report = LoadReport(options: options)
        report.verification = try await verify(path, rest)
        return report
    }

    private func load(_ rest: RESTSession?) async throws -> LoadReport {
        var identifiers: [String] = []
        var customers: [String] = []
        var dashboards: [String] = []
        if let rest, options.needsManagement {
            try await rest.client.logIn()
            (customers, dashboards) = try await prepareSurroundings(rest)
            if options.gateways.isEmpty {
                identifiers = try await prepareDevices(rest)
            } else {
                try await prepareGateways(rest)
            }
        }
        var report = LoadReport(options: options)
        if options.sendsLoad {
            let path = options.ledgerPath ?? (options.verifies ? Process.temporaryPath("needletail-ledger") : nil)
            defer { if let path, options.ledgerPath == nil { unlink(path) } }
            let ledger = try path.map { path throws(LedgerError) in
                try LedgerFile(path: path, payload: options.payload)
            }
            let api = options.verifies ? rest.map { PlatformAPI(client: $0.client) } : nil
            let run = try LoadRun(options: options, ledger: ledger, console: console)
            report = try await run.run(api: api, identifiers: identifiers)
            if let rest, let path, options.verifies { report.verification = try await verify(path, rest) }
        }
        if let rest, !options.gateways.isEmpty {
            identifiers = try await deleteGateways(rest)
        }
        if let rest, options.deletesDevices {
            console.progress("deleting \(identifiers.count) devices")
            try await Provisioning(api: PlatformAPI(client: rest.client)).delete(identifiers: identifiers)
        }
        if let rest, options.deletesSurroundings {
            let surroundings = Surroundings(provisioning: Provisioning(api: PlatformAPI(client: rest.client)))
            console.progress("deleting \(customers.count) customers, \(dashboards.count) dashboards")
            try await surroundings.deleteCustomers(customers)
            try await surroundings.deleteDashboards(dashboards)
        }
        return report
    }

    private func prepareSurroundings(
        _ rest: RESTSession
    ) async throws -> (customers: [String], dashboards: [String]) {
        if options.customers.isEmpty, options.dashboardCount == 0 { return ([], []) }
        let surroundings = Surroundings(provisioning: Provisioning(api: PlatformAPI(client: rest.client)))
        let dashboards = try await surroundings.createDashboards(options.dashboardCount)
        let customers = try await surroundings.createCustomers(options.customers, home: dashboards.first)
        console.progress("\(customers.count) customers, \(dashboards.count) dashboards")
        return (customers, dashboards)
    }

    /// The gateways; their devices come with the first messages.
    private func prepareGateways(_ rest: RESTSession) async throws {
        guard options.createsGateways else { return }
        let provisioning = Provisioning(api: PlatformAPI(client: rest.client))
        let outcome = try await provisioning.provision(gateways: options.gateways, payload: options.payload)
        console.progress("gateways: \(outcome.created) created, \(options.gateways.count - outcome.created) were there")
    }

    /// Deletes the gateways if that is asked.
    ///
    /// - Returns: The devices that they made, if those are to be deleted.
    private func deleteGateways(_ rest: RESTSession) async throws -> [String] {
        let provisioning = Provisioning(api: PlatformAPI(client: rest.client))
        if options.deletesGateways {
            console.progress("deleting \(options.gateways.count) gateways")
            try await provisioning.delete(identifiers: try await provisioning.lookUp(gateways: options.gateways))
        }
        return options.deletesDevices ? try await provisioning.lookUp(devices: options.devices) : []
    }

    private func prepareDevices(_ rest: RESTSession) async throws -> [String] {
        let provisioning = Provisioning(api: PlatformAPI(client: rest.client))
        guard options.createsDevices, options.sharedToken == nil else {
            guard options.verifies || options.deletesDevices else { return [] }
            return try await provisioning.lookUp(devices: options.devices)
        }
        let total = options.devices.count
        let outcome = try await provisioning.provision(devices: options.devices, payload: options.payload) {
            console.progress("devices: \($0) of \(total)")
        }
        console.progress("devices: \(outcome.created) created, \(total - outcome.created) were there")
        return outcome.identifiers
    }

    private func verify(_ path: String, _ rest: RESTSession) async throws -> VerificationResult {
        let contents = try LedgerContents(readingFile: path)
        let total = contents.devices.count
        let verification = Verification(
            api: PlatformAPI(client: rest.client), grace: .seconds(options.verifyGraceSeconds))
        return try await verification.verify(contents) { console.progress("verifying: \($0) of \(total) devices") }
    }
}

extension LoadTestOptions {
    /// Whether a login is needed before the load.
    var needsManagement: Bool {
        (createsDevices && sharedToken == nil) || deletesDevices || verifies || !customers.isEmpty
            || !gateways.isEmpty || dashboardCount > 0
    }
}

/// Why a run cannot go on.
enum LoadTestError: Error, CustomStringConvertible {
    case noImageProgram
    case noLedger
    case unknownHost(String)
    case noConnections(address: String)
    case reactor(String)

    var description: String {
        switch self {
        case .noImageProgram: "--plot FILE.png needs rsvg-convert (librsvg2-bin) or gnuplot; FILE.svg needs neither"
        case .noLedger: "--verify-only needs --ledger and a REST API"
        case .unknownHost(let host): "no address for host \(host)"
        case .noConnections(let address): "no connection to \(address) could be made"
        case .reactor(let text): text
        }
    }
}
