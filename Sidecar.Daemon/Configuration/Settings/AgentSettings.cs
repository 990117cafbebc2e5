using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one agent alone.</summary>
internal static class AgentSettings
{
    public static readonly SettingList List = new();

    public static readonly Setting<AgentMode> Mode = List.Add(
        SettingGroup.Agent, "mode", Formats.Names<AgentMode>(), AgentMode.Enforce, "Whether its answers are applied; monitor asks only",
        "`monitor` records what the agent would have done, off the request's path, `off` asks nothing; a route may say otherwise");

    public static readonly Setting<EventSet> Events = List.AddUnset(
        SettingGroup.Agent, "events", EventFormats.Set, "what the agent states", "The events it is asked about, whatever it states",
        "agents on published SDKs state request headers only and handle every event; see [bodies.md](bodies.md)");

    public static readonly Setting<string?> Encoding = List.Add(
        SettingGroup.Agent, "encoding",
        Formats.Words<string?>(
            (ProtocolConstants.Json, ProtocolConstants.Json), (ProtocolConstants.MessagePack, ProtocolConstants.MessagePack)),
        null, "The only encoding that it is offered", "the agent chooses; msgpack is smaller", words: "msgpack, then json");

    public static readonly Setting<string?> ConfigurationFile = List.Add(
        SettingGroup.Agent, "config-file", Formats.File(), null, "Its configuration, JSON, for every new connection", words: "none");

    public static readonly Setting<TimeSpan> DrainTimeout = List.AddUnset(
        SettingGroup.Agent, "drain-timeout", Formats.Duration(), "5s at the daemon's stop, else --drain-timeout",
        "How long its calls may take when it is closed",
        "what nothing new reaches any more has to end soon; the time of an agent that is taken out is the daemon's");

    public static readonly Setting<bool> BodyIsOptional = List.Add(
        SettingGroup.AgentBodies, "body", BodyFormats.Need, false, "Whether it can do without bodies",
        "an agent whose `events=` name bodies is refused behind a proxy that hands none over", file: "body.required");

    public static readonly Setting<BodyShape> BodyMode = List.Add(
        SettingGroup.AgentBodies, "body-mode", BodyFormats.Mode, new(Configuration.BodyMode.Buffer, BodyFormats.HybridThreshold),
        "Bodies collected, streamed, or up to SIZE collected and then streamed",
        "a decision about the whole body is what most agents make; `hybrid` alone collects 64 KiB, the protocol's own default",
        file: "body.request.mode");

    public static readonly Setting<BodyShape> ResponseBodyMode = List.Add(
        SettingGroup.AgentBodies, "response-body-mode", BodyFormats.Mode, new(Configuration.BodyMode.Buffer, BodyFormats.HybridThreshold),
        "The same for responses", words: "as body-mode", follows: BodyMode, file: "body.response.mode");

    public static readonly Setting<long> MaxBody = List.Add(
        SettingGroup.AgentBodies, "max-body", Formats.Size(canBeNone: true), 1024 * 1024, "Largest body that it is shown",
        "the protocol's own default; never above what the agent states", file: "body.request.max");

    public static readonly Setting<long> MaxResponseBody = List.Add(
        SettingGroup.AgentBodies, "max-response-body", Formats.Size(canBeNone: true), 1024 * 1024, "The same for responses",
        words: "as max-body", follows: MaxBody, file: "body.response.max");

    public static readonly Setting<ExcessAction> OnExcess = List.AddUnset(
        SettingGroup.AgentBodies, "on-excess", Formats.Names<ExcessAction>(), "as failure-mode: closed block, open skip",
        "What happens to a body that cannot be shown whole", "see [bodies.md](bodies.md)", file: "body.on_excess");

    public static readonly Setting<long> MaxEvent = List.AddUnset(
        SettingGroup.AgentBodies, "max-event", Formats.Size(), "what the agent states", "Most bytes in one event; larger pieces are split",
        file: "body.max_event");

    public static readonly Setting<long> BodyMemory = List.Add(
        SettingGroup.AgentBodies, "body-memory", Formats.Size(), 128 * 1024 * 1024, "Bytes of bodies held at once for this agent",
        "half of all, so that one slow agent leaves memory to the others", file: "body.memory");

    public static readonly Setting<string?> Authorities = List.Add(
        SettingGroup.AgentTls, "ca", Formats.File(FileProblem), null, "Who may issue the agent's certificate, PEM",
        words: "those whom the system trusts", file: "tls.ca");

    public static readonly Setting<string?> Certificate = List.Add(
        SettingGroup.AgentTls, "cert", Formats.File(FileProblem), null, "Our own certificate, PEM", words: "none", file: "tls.cert");

    public static readonly Setting<string?> CertificateKey = List.Add(
        SettingGroup.AgentTls, "key", Formats.File(FileProblem), null, "Its key, PEM", words: "in the file of cert", file: "tls.key");

    public static readonly Setting<string?> ServerName = List.Add(
        SettingGroup.AgentTls, "server-name", Formats.Text("NAME"), null, "Whom the agent's certificate must be for", words: "the host",
        file: "tls.server_name");

    private static string? FileProblem(string path) => File.Exists(path) ? null : "is no file";
}
