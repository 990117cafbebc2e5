using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How Envoy's filters are configured that ask at a listener, as far as they do not tell it themselves.</summary>
internal static class EnvoySettings
{
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

    public static readonly Setting<bool> FailureModeAllow = List.Add(
        SettingGroup.Envoy, "failure-mode-allow", Formats.YesNo, false, "Whether a filter has failure_mode_allow",
        "agents then have 70 % of its time instead of 80 %: a refusal that comes too late there lets the request pass");

    public static readonly Setting<bool> AllowModeOverride = List.Add(
        SettingGroup.Envoy, "allow-mode-override", Formats.YesNo, false, "ext_proc: whether it has allow_mode_override",
        "with it bodies and responses are asked for where an agent wants them");

    public static readonly Setting<TimeSpan> MaxMessageTimeout = List.AddUnset(
        SettingGroup.Envoy, "max-message-timeout", Formats.Duration(), "none", "ext_proc: its max_message_timeout",
        "how much longer one answer may take when we ask for it");

    public static readonly Setting<BodySendMode> WholeBodies = List.Add(
        SettingGroup.Envoy, "whole-bodies", new("MODE", "", ReadWhole, Write)
        {
            Choices = "buffered, buffered-partial",
            Form = new() { Words = ["buffered", "buffered-partial"] },
        },
        BodySendMode.BufferedPartial, "ext_proc: asked for where an agent sees whole bodies",
        "Envoy 1.40 never answers to a body beyond its buffer that it buffers by an override");

    public static readonly Setting<BodySendMode> RequestBodyMode = List.AddUnset(
        SettingGroup.Envoy, "request-body-mode", Formats.Words("MODE", Modes), "as it tells", "ext_proc: its request_body_mode",
        "for releases that do not tell");

    public static readonly Setting<BodySendMode> ResponseBodyMode = List.AddUnset(
        SettingGroup.Envoy, "response-body-mode", Formats.Words("MODE", Modes), "as it tells", "ext_proc: its response_body_mode");

    public static readonly Setting<long> BufferLimit = List.AddUnset(
        SettingGroup.Envoy, "buffer-limit", Formats.Size(), "not known", "ext_proc: per_connection_buffer_limit_bytes");

    public static readonly Setting<int> MaxHeaders = List.Add(
        SettingGroup.Envoy, "max-headers", Formats.Number(1, MostHeaders, "headers"), 100,
        "ext_proc: max_headers_count, pseudo headers counted",
        "Envoy's own default; what agents' headers would take beyond it is refused by us instead of with Envoy's 500");

    public static readonly Setting<RequestBodies> WithRequestBody = List.Add(
        SettingGroup.Envoy, "with-request-body", Formats.RequestBodies, RequestBodies.Shown,
        "ext_authz: its with_request_body", "without it a body passes unseen, and Envoy gives no sign of one but a length");

    public static readonly Setting<bool> TextForm = List.Add(
        SettingGroup.Envoy, "text-form", Formats.Words(("refuse", false), ("allow", true)), false,
        "ext_authz: bodies that come as text, not as bytes",
        "without `pack_as_bytes` Envoy puts an exclamation mark for bytes that are no text; a body that has one counts as truncated "
        + "unless this allows it");

    public static readonly Setting<long> MaxMessage = List.Add(
        SettingGroup.Envoy, "max-message", Formats.Size(Defaults.MinEnvoyMessage, Defaults.MaxEnvoyMessages),
        (4 * 1024 * 1024) + Defaults.MinEnvoyMessage, "Longest message that is taken",
        "a body of four times Envoy's own buffer beside the largest headers; at most the memory of all messages together");

    /// <summary>Why full duplex cannot be asked for.</summary>
    public static string NoOverride =>
        $"{FullDuplex} cannot be had by an override, for Envoy is told too late; configure the filter with it and without "
        + "allow_mode_override, and leave out allow-mode-override=yes";

    private static string FullDuplex => Write(BodySendMode.FullDuplexStreamed);

    // An override reaches Envoy with the answer about the headers; in full duplex that answer waits for the body. In other modes nothing
    // whole comes.
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
