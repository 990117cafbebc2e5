using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How Envoy's filters are configured that ask at a listener, as far as they do not tell it themselves.</summary>
internal static class EnvoySettings
{
    /// <summary>The settings.</summary>
    public static readonly SettingList List = new();

    // Envoy's own bound of the setting.
    private const int MostHeaders = 1_000_000;

    private static readonly (string Word, BodySendMode Value)[] Modes =
    [
        ("none", BodySendMode.None),
        ("streamed", BodySendMode.Streamed),
        ("buffered", BodySendMode.Buffered),
        ("buffered-partial", BodySendMode.BufferedPartial),
        ("full-duplex-streamed", BodySendMode.FullDuplexStreamed),
    ];

    /// <summary>Whether a filter has <c>failure_mode_allow</c>.</summary>
    public static readonly Setting<bool> FailureModeAllow = List.Add(new Setting<bool>("failure-mode-allow", Formats.YesNo)
    {
        Default = false,
        Group = SettingGroup.Envoy,
        Help = "Whether a filter has failure_mode_allow",
        Why = "agents then have 70 % of its time instead of 80 %: a refusal that comes too late there lets the request pass",
    });

    /// <summary>ext_proc: whether the filter has <c>allow_mode_override</c>.</summary>
    public static readonly Setting<bool> AllowModeOverride = List.Add(new Setting<bool>("allow-mode-override", Formats.YesNo)
    {
        Default = false,
        Group = SettingGroup.Envoy,
        Help = "ext_proc: whether it has allow_mode_override",
        Why = "with it bodies and responses are asked for where an agent wants them",
    });

    /// <summary>ext_proc: how much longer one answer may take when we ask for it.</summary>
    public static readonly Setting<TimeSpan> MaxMessageTimeout = List.Add(new Setting<TimeSpan>("max-message-timeout", Formats.Duration())
    {
        DefaultWords = "none",
        Group = SettingGroup.Envoy,
        Help = "ext_proc: its max_message_timeout",
        Why = "how much longer one answer may take when we ask for it",
    });

    /// <summary>ext_proc: the mode to ask for where an agent decides about a whole body.</summary>
    public static readonly Setting<BodySendMode> WholeBodies = List.Add(new Setting<BodySendMode>("whole-bodies", new("MODE", "", ReadWhole, Write) { Choices = "buffered, buffered-partial" })
    {
        Default = BodySendMode.BufferedPartial,
        Group = SettingGroup.Envoy,
        Help = "ext_proc: asked for where an agent sees whole bodies",
        Why = "Envoy 1.40 never answers to a body beyond its buffer that it buffers by an override",
    });

    /// <summary>ext_proc: the filter's <c>request_body_mode</c>.</summary>
    public static readonly Setting<BodySendMode> RequestBodyMode = List.Add(new Setting<BodySendMode>("request-body-mode", Formats.Words("MODE", Modes))
    {
        DefaultWords = "as it tells",
        Group = SettingGroup.Envoy,
        Help = "ext_proc: its request_body_mode",
        Why = "for releases that do not tell",
    });

    /// <summary>ext_proc: the filter's <c>response_body_mode</c>.</summary>
    public static readonly Setting<BodySendMode> ResponseBodyMode = List.Add(new Setting<BodySendMode>("response-body-mode", Formats.Words("MODE", Modes))
    {
        DefaultWords = "as it tells",
        Group = SettingGroup.Envoy,
        Help = "ext_proc: its response_body_mode",
    });

    /// <summary>ext_proc: Envoy's <c>per_connection_buffer_limit_bytes</c>.</summary>
    public static readonly Setting<long> BufferLimit = List.Add(new Setting<long>("buffer-limit", Formats.Size())
    {
        DefaultWords = "not known",
        Group = SettingGroup.Envoy,
        Help = "ext_proc: per_connection_buffer_limit_bytes",
    });

    /// <summary>ext_proc: header fields with which Envoy takes a message.</summary>
    public static readonly Setting<int> MaxHeaders = List.Add(new Setting<int>("max-headers", Formats.Number(1, MostHeaders, "headers"))
    {
        Default = 100,
        Group = SettingGroup.Envoy,
        Help = "ext_proc: max_headers_count, pseudo headers counted",
        Why = "Envoy's own default; what agents' headers would take beyond it is refused by us instead of with Envoy's 500",
    });

    /// <summary>ext_authz: what the filter's <c>with_request_body</c> does.</summary>
    public static readonly Setting<RequestBodies> WithRequestBody = List.Add(new Setting<RequestBodies>("with-request-body", Formats.Words(RequestBodiesWords.All))
    {
        Default = RequestBodies.Shown,
        Group = SettingGroup.Envoy,
        Help = "ext_authz: its with_request_body",
        Why = "without it a body passes unseen, and Envoy gives no sign of one but a length",
    });

    /// <summary>ext_authz: whether a body passes as text in which Envoy may have put something else for bytes that are no text.</summary>
    public static readonly Setting<bool> TextForm = List.Add(new Setting<bool>("text-form", Formats.Words(("refuse", false), ("allow", true)))
    {
        Default = false,
        Group = SettingGroup.Envoy,
        Help = "ext_authz: bodies that come as text, not as bytes",
        Why = "without `pack_as_bytes` Envoy puts an exclamation mark for bytes that are no text; a body that has one counts as truncated unless this allows it",
    });

    /// <summary>Longest message that is taken, in bytes.</summary>
    public static readonly Setting<long> MaxMessage = List.Add(new Setting<long>("max-message", Formats.Size(Defaults.MinEnvoyMessage, Defaults.MaxEnvoyMessages))
    {
        Default = (4 * 1024 * 1024) + Defaults.MinEnvoyMessage,
        Group = SettingGroup.Envoy,
        Help = "Longest message that is taken",
        Why = "a body of four times Envoy's own buffer beside the largest headers; at most the memory of all messages together",
    });

    /// <summary>Why full duplex cannot be asked for.</summary>
    public static string NoOverride =>
        $"{FullDuplex} cannot be had by an override, for Envoy is told too late; configure the filter with it and without allow_mode_override, "
        + "and leave out allow-mode-override=yes";

    private static string FullDuplex => Write(BodySendMode.FullDuplexStreamed);

    // An override reaches Envoy with the answer about the headers; in full duplex that answer waits for the body. In other modes nothing whole comes.
    private static bool ReadWhole(string text, Action<string> error, out BodySendMode value)
    {
        value = default;
        if (text == FullDuplex)
        {
            error(NoOverride);
            return false;
        }

        return Formats.Words(Modes[2], Modes[3]).TryRead(text, error, out value);
    }

    private static string Write(BodySendMode value) => Modes.First(mode => mode.Value == value).Word;
}
