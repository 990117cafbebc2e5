namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the keys of <c>--listen envoy=…</c> that say how Envoy's filters are configured.</summary>
internal static class EnvoySpec
{
    /// <summary>The keys, besides those of every listener.</summary>
    public static readonly string[] Keys =
        ["allow-mode-override", "max-message-timeout", "whole-bodies", "request-body-mode", "response-body-mode", "with-request-body", "max-message"];

    private static readonly (string Word, bool Value)[] YesNo = [("yes", true), ("no", false)];

    private static readonly (string Word, EnvoyBodyMode Value)[] Modes =
    [
        ("none", EnvoyBodyMode.None),
        ("streamed", EnvoyBodyMode.Streamed),
        ("buffered", EnvoyBodyMode.Buffered),
        ("buffered-partial", EnvoyBodyMode.BufferedPartial),
        ("full-duplex-streamed", EnvoyBodyMode.FullDuplexStreamed),
    ];

    // Asking for a mode in which nothing whole comes would be a mistake.
    private static readonly (string Word, EnvoyBodyMode Value)[] WholeModes = [Modes[2], Modes[3], Modes[4]];

    /// <summary>What the keys say; errors go into the spec.</summary>
    public static EnvoyOptions Parse(SpecText spec)
    {
        var defaults = new EnvoyOptions();
        var longest = spec.Size("max-message") ?? defaults.MaxMessageBytes;
        if (longest is < Defaults.MinEnvoyMessage or > Defaults.MaxEnvoyMessages)
        {
            spec.Error($"max-message={spec.Text("max-message")} is outside 256KiB to 128MiB, the memory of all messages together");
            longest = defaults.MaxMessageBytes;
        }

        return defaults with
        {
            AllowsModeOverride = spec.Word<bool>("allow-mode-override", YesNo) ?? defaults.AllowsModeOverride,
            MaxMessageTimeout = spec.Duration("max-message-timeout") ?? defaults.MaxMessageTimeout,
            WholeBodies = spec.Word<EnvoyBodyMode>("whole-bodies", WholeModes) ?? defaults.WholeBodies,
            RequestBodyMode = spec.Word<EnvoyBodyMode>("request-body-mode", Modes),
            ResponseBodyMode = spec.Word<EnvoyBodyMode>("response-body-mode", Modes),
            WithRequestBody = spec.Word<bool>("with-request-body", YesNo) ?? defaults.WithRequestBody,
            MaxMessageBytes = (int)longest,
        };
    }
}
