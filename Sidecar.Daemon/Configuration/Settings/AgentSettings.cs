using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>What is said of one agent alone.</summary>
internal static class AgentSettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    /// <summary>How the agent takes part.</summary>
    public static readonly Setting<AgentMode> Mode = List.Add(new Setting<AgentMode>("mode", Formats.Words(AgentModes.Words))
    {
        Default = AgentMode.Enforce,
        Group = SettingGroup.Agent,
        Help = "Whether its answers are applied; monitor asks only",
        Why = "`monitor` records what the agent would have done, off the request's path, `off` asks nothing; a route may say otherwise",
    });

    /// <summary>Events the agent is asked about.</summary>
    public static readonly Setting<EventSet> Events = List.Add(new Setting<EventSet>("events", EventFormats.Set)
    {
        DefaultWords = "what the agent states",
        Group = SettingGroup.Agent,
        Help = "The events it is asked about, whatever it states",
        Why = "agents on published SDKs state request headers only and handle every event; see [bodies.md](bodies.md)",
    });

    /// <summary>The one encoding that is offered.</summary>
    public static readonly Setting<string?> Encoding = List.Add(new Setting<string?>(
        "encoding", Formats.Words<string?>((ProtocolConstants.Json, ProtocolConstants.Json), (ProtocolConstants.MessagePack, ProtocolConstants.MessagePack)))
    {
        Default = null,
        DefaultWords = "msgpack, then json",
        Group = SettingGroup.Agent,
        Help = "The only encoding that it is offered",
        Why = "the agent chooses; msgpack is smaller",
    });

    /// <summary>The file with the agent's configuration.</summary>
    public static readonly Setting<string?> ConfigurationFile = List.Add(new Setting<string?>("config-file", Formats.Text("FILE"))
    {
        Default = null,
        DefaultWords = "none",
        Group = SettingGroup.Agent,
        Help = "Its configuration, JSON, for every new connection",
    });

    /// <summary>How long calls in flight may take when the agent's connections are closed.</summary>
    public static readonly Setting<TimeSpan> DrainTimeout = List.Add(new Setting<TimeSpan>("drain-timeout", Formats.Duration())
    {
        DefaultWords = "5s at the daemon's stop, else --drain-timeout",
        Group = SettingGroup.Agent,
        Help = "How long its calls may take when it is closed",
        Why = "what nothing new reaches any more has to end soon; the time of an agent that is taken out is the daemon's",
    });

    /// <summary>Whether the agent can do without bodies.</summary>
    public static readonly Setting<bool> BodyIsOptional = List.Add(new Setting<bool>("body", Formats.Words(("required", false), ("optional", true)))
    {
        Default = false,
        Group = SettingGroup.AgentBodies,
        Help = "Whether it can do without bodies",
        Why = "an agent whose `events=` name bodies is refused behind a proxy that hands none over",
    });

    /// <summary>How the agent is shown bodies of requests.</summary>
    public static readonly Setting<BodyShape> BodyMode = List.Add(new Setting<BodyShape>("body-mode", BodyFormats.Mode)
    {
        Default = new(Configuration.BodyMode.Buffer, BodyFormats.HybridThreshold),
        Group = SettingGroup.AgentBodies,
        Help = "Bodies collected, streamed, or up to SIZE collected and then streamed",
        Why = "a decision about the whole body is what most agents make; `hybrid` alone collects 64 KiB, the protocol's own default",
    });

    /// <summary>How the agent is shown bodies of responses.</summary>
    public static readonly Setting<BodyShape> ResponseBodyMode = List.Add(new Setting<BodyShape>("response-body-mode", BodyFormats.Mode)
    {
        Default = new(Configuration.BodyMode.Buffer, BodyFormats.HybridThreshold),
        DefaultWords = "as body-mode",
        FollowsSetting = BodyMode,
        Group = SettingGroup.AgentBodies,
        Help = "The same for responses",
    });

    /// <summary>Largest body of a request.</summary>
    public static readonly Setting<long> MaxBody = List.Add(new Setting<long>("max-body", Formats.Size(canBeNone: true))
    {
        Default = 1024 * 1024,
        Group = SettingGroup.AgentBodies,
        Help = "Largest body that it is shown",
        Why = "the protocol's own default; never above what the agent states",
    });

    /// <summary>Largest body of a response.</summary>
    public static readonly Setting<long> MaxResponseBody = List.Add(new Setting<long>("max-response-body", Formats.Size(canBeNone: true))
    {
        Default = 1024 * 1024,
        DefaultWords = "as max-body",
        FollowsSetting = MaxBody,
        Group = SettingGroup.AgentBodies,
        Help = "The same for responses",
    });

    /// <summary>What happens to a body that cannot be shown whole.</summary>
    public static readonly Setting<ExcessAction> OnExcess = List.Add(new Setting<ExcessAction>(
        "on-excess", Formats.Words(("block", ExcessAction.Block), ("skip", ExcessAction.Skip), ("partial", ExcessAction.Partial)))
    {
        DefaultWords = "as failure-mode: closed block, open skip",
        Group = SettingGroup.AgentBodies,
        Help = "What happens to a body that cannot be shown whole",
        Why = "see [bodies.md](bodies.md)",
    });

    /// <summary>Most bytes in one event.</summary>
    public static readonly Setting<long> MaxEvent = List.Add(new Setting<long>("max-event", Formats.Size())
    {
        DefaultWords = "what the agent states",
        Group = SettingGroup.AgentBodies,
        Help = "Most bytes in one event; larger pieces are split",
    });

    /// <summary>Bytes of bodies held for the agent at once.</summary>
    public static readonly Setting<long> BodyMemory = List.Add(new Setting<long>("body-memory", Formats.Size())
    {
        Default = 128 * 1024 * 1024,
        Group = SettingGroup.AgentBodies,
        Help = "Bytes of bodies held at once for this agent",
        Why = "half of all, so that one slow agent leaves memory to the others",
    });

    /// <summary>Who may issue the agent's certificate.</summary>
    public static readonly Setting<string?> Authorities = List.Add(new Setting<string?>("ca", Formats.Text("FILE", FileProblem))
    {
        Default = null,
        DefaultWords = "those whom the system trusts",
        Group = SettingGroup.AgentTls,
        Help = "Who may issue the agent's certificate, PEM",
    });

    /// <summary>Our own certificate.</summary>
    public static readonly Setting<string?> Certificate = List.Add(new Setting<string?>("cert", Formats.Text("FILE", FileProblem))
    {
        Default = null,
        DefaultWords = "none",
        Group = SettingGroup.AgentTls,
        Help = "Our own certificate, PEM",
    });

    /// <summary>Its key.</summary>
    public static readonly Setting<string?> CertificateKey = List.Add(new Setting<string?>("key", Formats.Text("FILE", FileProblem))
    {
        Default = null,
        DefaultWords = "in the file of cert",
        Group = SettingGroup.AgentTls,
        Help = "Its key, PEM",
    });

    /// <summary>The name that the agent's certificate must be for.</summary>
    public static readonly Setting<string?> ServerName = List.Add(new Setting<string?>("server-name", Formats.Text("NAME"))
    {
        Default = null,
        DefaultWords = "the host",
        Group = SettingGroup.AgentTls,
        Help = "Whom the agent's certificate must be for",
    });

    private static string? FileProblem(string path) => File.Exists(path) ? null : "is no file";
}
