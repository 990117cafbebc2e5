using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the keys of <c>--listen envoy=…</c> that say how Envoy's filters are configured.</summary>
internal static class EnvoyFlag
{
    /// <summary>The keys, besides those of every listener.</summary>
    public static readonly string[] Keys =
        ["allow-mode-override", "max-message-timeout", "whole-bodies", "request-body-mode", "response-body-mode", "buffer-limit", "max-headers", "failure-mode-allow", "with-request-body", "text-form", "max-message"];

    private static readonly (string Word, bool Value)[] YesNo = [("yes", true), ("no", false)];

    private static readonly (string Word, BodySendMode Value)[] Modes =
    [
        ("none", BodySendMode.None),
        ("streamed", BodySendMode.Streamed),
        ("buffered", BodySendMode.Buffered),
        ("buffered-partial", BodySendMode.BufferedPartial),
        ("full-duplex-streamed", BodySendMode.FullDuplexStreamed),
    ];

    // Asking for a mode in which nothing whole comes would be a mistake.
    private static readonly (string Word, BodySendMode Value)[] WholeModes = [Modes[2], Modes[3]];

    // Envoy's own bound of the setting.
    private const int MostHeaders = 1_000_000;

    /// <summary>What the keys say; errors go into the spec.</summary>
    public static EnvoyOptions Parse(FlagText spec)
    {
        var defaults = new EnvoyOptions();
        var longest = spec.Size("max-message") ?? defaults.MaxMessageBytes;
        if (longest is < Defaults.MinEnvoyMessage or > Defaults.MaxEnvoyMessages)
        {
            spec.Error($"max-message={spec.Text("max-message")} is outside 256KiB to 128MiB, the memory of all messages together");
            longest = defaults.MaxMessageBytes;
        }

        CheckFullDuplex(spec);
        return defaults with
        {
            BufferLimit = spec.Size("buffer-limit"),
            MaxEnvoyHeaders = spec.Number("max-headers", 1, MostHeaders) ?? defaults.MaxEnvoyHeaders,
            FailsOpen = spec.Word<bool>("failure-mode-allow", YesNo) ?? defaults.FailsOpen,
            AllowsModeOverride = spec.Word<bool>("allow-mode-override", YesNo) ?? defaults.AllowsModeOverride,
            MaxMessageTimeout = spec.Duration("max-message-timeout") ?? defaults.MaxMessageTimeout,
            WholeBodies = spec.Word<BodySendMode>("whole-bodies", WholeModes) ?? defaults.WholeBodies,
            RequestBodyMode = spec.Word<BodySendMode>("request-body-mode", Modes),
            ResponseBodyMode = spec.Word<BodySendMode>("response-body-mode", Modes),
            WithRequestBody = spec.Word<RequestBodies>("with-request-body", RequestBodiesWords.All) ?? defaults.WithRequestBody,
            AllowsTextForm = spec.Word<bool>("text-form", ("refuse", false), ("allow", true)) ?? defaults.AllowsTextForm,
            MaxMessageBytes = (int)longest,
        };
    }

    // An override reaches Envoy with the answer about the headers; in full duplex that answer waits for the body.
    private static void CheckFullDuplex(FlagText spec)
    {
        foreach (var key in (ReadOnlySpan<string>)["whole-bodies", "request-body-mode", "response-body-mode"])
        {
            if (spec.Text(key) == Modes[4].Word && (key == "whole-bodies" || spec.Text("allow-mode-override") == "yes"))
            {
                spec.Error($"{key}={Modes[4].Word} cannot be had by an override, for Envoy is told too late; configure the filter with it and without allow_mode_override, and leave out allow-mode-override=yes");
            }
        }
    }
}
