namespace Sidecar.Daemon.Configuration;

/// <summary>Reads what <c>--agent</c> says about bodies.</summary>
internal static class BodyFlag
{
    private const string Hybrid = "hybrid";

    /// <summary>The keys.</summary>
    public static readonly string[] Keys =
        ["body", "body-mode", "response-body-mode", "max-body", "max-response-body", "on-excess", "max-event", "body-memory"];

    /// <summary>The options, with errors where a value cannot be read.</summary>
    public static BodyOptions Parse(FlagText spec)
    {
        var request = Mode(spec, "body-mode");
        var response = Mode(spec, "response-body-mode") ?? request;
        var defaults = new BodyOptions();
        var most = spec.Size("max-body", canBeUnlimited: true);
        return new BodyOptions
        {
            RequestMode = request?.Mode ?? defaults.RequestMode,
            RequestThreshold = request?.Threshold ?? defaults.RequestThreshold,
            ResponseMode = response?.Mode ?? defaults.ResponseMode,
            ResponseThreshold = response?.Threshold ?? defaults.ResponseThreshold,
            MaxRequestBytes = most ?? defaults.MaxRequestBytes,
            MaxResponseBytes = spec.Size("max-response-body", canBeUnlimited: true) ?? most ?? defaults.MaxResponseBytes,
            OnExcess = spec.Word<ExcessAction>("on-excess", ("block", ExcessAction.Block), ("skip", ExcessAction.Skip), ("partial", ExcessAction.Partial)),
            MaxEventBytes = (int)Math.Min(spec.Size("max-event") ?? int.MaxValue, int.MaxValue),
            Memory = spec.Size("body-memory") ?? defaults.Memory,
            IsOptional = spec.Word<bool>("body", ("required", false), ("optional", true)) ?? false,
        };
    }

    private static (BodyMode Mode, int Threshold)? Mode(FlagText spec, string key)
    {
        if (spec.Text(key) is not { } text)
        {
            return null;
        }

        if (text.StartsWith(Hybrid + ":", StringComparison.Ordinal))
        {
            if (ByteSizes.TryParse(text[(Hybrid.Length + 1)..], out var threshold) && threshold <= 1 << 30)
            {
                return (BodyMode.Hybrid, (int)threshold);
            }

            spec.Error($"{key}={text} does not name a size up to 1GiB; write hybrid:64KiB");
            return null;
        }

        var mode = spec.Word<BodyMode>(key, ("buffer", BodyMode.Buffer), ("stream", BodyMode.Stream), (Hybrid, BodyMode.Hybrid));
        return mode is { } known ? (known, Defaults.HybridThreshold) : null;
    }
}
