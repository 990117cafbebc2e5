namespace Sidecar.Tests.Architecture;

/// <summary>The table of rooms: who may use whom. This is the design; a new folder gets its line here first.</summary>
internal static class Rooms
{
    private const string DaemonRoot = "Sidecar.Daemon";
    private const string ProtocolRoot = "Sidecar.Protocol";
    private const string Sdk = ProtocolRoot + ".Sdk";

    // The way of a request, left to right: each room may use those after it.
    private const string Inspection = "Inspection";
    private const string Agents = "Agents";
    private const string Pooling = "Pooling";
    private const string Connections = "Connections";

    // Calls in the abstract, which whoever asks agents knows, and the streams of frames that carry them.
    private const string Calls = Connections + ".Calls";
    private const string Framed = Connections + ".Framed";

    private static readonly string[] BelowFrontEnds = [Inspection, Agents, Pooling, Connections, Calls];

    // Any room of the daemon may use these; they use nothing above them.
    private static readonly string[] Leaves = ["Configuration", "Diagnostics", "Diagnostics.Reports"];

    // Any room of the daemon may use these too: all of the protocol but the SDK, which is for agents.
    private static readonly string[] Wire = [.. new[]
    {
        "Framing", "Messages", "Encodings", "Encodings.Values", "Dialects", "Transport", "Grpc", "Grpc.Wire", "Grpc.Client", "Grpc.Server", "Spop", "Envoy",
    }.Select(room => $"{ProtocolRoot}.{room}")];

    /// <summary>All rooms of both assemblies.</summary>
    public static IReadOnlyList<Room> All { get; } =
    [
        Protocol("Framing"),
        Protocol("Messages"),

        Protocol("Encodings", "Encodings.Codecs", "Encodings.Values", "Messages", "Framing"),
        Protocol("Encodings.Codecs", "Encodings", "Encodings.Values", "Messages"),
        Protocol("Encodings.Values", "Encodings", "Messages"),
        Protocol("Encodings.Protobuf", "Encodings", "Encodings.Codecs", "Encodings.Values", "Messages", "Grpc.Wire") with { MayUseProtobuf = true },

        // Framing too: a dialect is how messages follow each other and what they look like.
        Protocol("Dialects", "Messages", "Encodings", "Encodings.Protobuf", "Grpc.Wire", "Framing") with { MayUseProtobuf = true },
        Protocol("Transport", "Framing", "Messages"),
        Protocol("Grpc", "Grpc.Wire", "Messages", "Encodings", "Encodings.Protobuf") with { MayUseProtobuf = true },
        Protocol("Grpc.Wire") with { MayUseProtobuf = true },
        Protocol("Grpc.Client", "Grpc") with { MayUseProtobuf = true },

        // Besides the SDK the only room here with ASP.NET Core: a call over Kestrel is the same for the SDK and for the daemon, which may not use the SDK.
        Protocol("Grpc.Server", "Grpc") with { MayUseProtobuf = true, MayUseAspNetCore = true },
        Protocol("Spop"),
        Protocol("Envoy") with { MayUseProtobuf = true },
        new(Sdk, [Room.Everything], MayUseAspNetCore: true) { MayUseProtobuf = true },

        new(DaemonRoot, [Room.Everything], MayUseAspNetCore: true),
        Daemon("Composition", Room.Everything),

        // Agents like anybody's, and the commands that start them.
        Daemon("BundledAgents.Demo", Sdk),

        // The benchmark speaks gRPC itself.
        Daemon("Cli", Room.Everything) with { MayUseProtobuf = true },
        Daemon("FrontEnds.Common", [.. Leaves, .. BelowFrontEnds]) with { MayUseProtobuf = true },
        FrontEnd("AuthRequest"),
        FrontEnd("Decide"),
        FrontEnd("Spop"),
        FrontEnd("ExtAuthz") with { MayUseProtobuf = true },
        FrontEnd("ExtProc") with { MayUseProtobuf = true },
        FrontEnd("AgentProtocol", Sdk),
        Daemon(Inspection, [.. Leaves, Agents, Pooling, Connections, Calls]),
        Daemon(Agents, [.. Leaves, Pooling, Connections, Calls]),
        Daemon(Pooling, [.. Leaves, Connections, Calls]),
        Daemon(Connections, [.. Leaves, Calls, Framed]) with { MayUseProtobuf = true },
        Daemon(Framed, [.. Leaves, Connections, Calls]),

        // No Wire: calls know neither frames nor transports nor dialects, so that requests without any of them are calls too.
        new(InDaemon(Calls), [InDaemon("Diagnostics"), InDaemon(Connections), $"{ProtocolRoot}.Messages"], MayUseAspNetCore: false),
        Daemon("Rollouts", [.. Leaves, Agents, Pooling, Connections]),
        Daemon("Supervision", Leaves),
        Daemon("Control", [.. Leaves, .. BelowFrontEnds, "Rollouts", "Supervision", "Hosting"]),
        Daemon("Listeners", Leaves),
        Daemon("Listeners.Registration", ["Listeners", .. Leaves, Agents, Pooling, Connections, Framed]),
        Daemon("Hosting", Leaves),

        // Below the front ends it serves: they know it as an interface of the inspection.
        Daemon("Takeover", [.. Leaves, Inspection, "Listeners"]),
        Daemon("Configuration", "Diagnostics"),

        // Instruments and pages are a leaf; those who watch exchanges read the record that the inspection declares.
        Daemon("Diagnostics"),
        Daemon("Diagnostics.Reports", "Diagnostics"),
        Daemon("Diagnostics.Metrics", [.. Leaves, Inspection, Agents, Calls]),
    ];

    private static Room Protocol(string name, params string[] mayUse) =>
        new($"{ProtocolRoot}.{name}", [.. mayUse.Select(room => $"{ProtocolRoot}.{room}")], MayUseAspNetCore: false);

    private static Room Daemon(string name, params string[] mayUse) =>
        new($"{DaemonRoot}.{name}", [.. mayUse.Select(InDaemon), .. Wire], MayUseAspNetCore: true);

    private static Room FrontEnd(string name, params string[] mayUse) => Daemon($"FrontEnds.{name}", ["FrontEnds.Common", .. Leaves, .. BelowFrontEnds, .. mayUse]);

    private static string InDaemon(string room) => room is Room.Everything or Sdk ? room : $"{DaemonRoot}.{room}";
}
