using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>How a body is shown.</summary>
/// <param name="Mode">Collected, streamed, or both.</param>
/// <param name="Threshold">In hybrid mode: bytes collected before the first event.</param>
internal readonly record struct BodyShape(BodyMode Mode, int Threshold);

/// <summary>Values that say how a body is shown.</summary>
internal static class BodyFormats
{
    /// <summary>Bytes collected in hybrid mode where none are said: 64 KiB, the protocol's own default.</summary>
    public const int HybridThreshold = 64 * 1024;

    private const string Hybrid = "hybrid";
    private const int MaxThreshold = 1 << 30;

    private static readonly ValueFormat<BodyMode> Modes = Formats.Names<BodyMode>();

    /// <summary>Whether an agent can do without bodies; in a file whether they are required.</summary>
    public static ValueFormat<bool> Need { get; } = Formats.Words(("required", false), ("optional", true)) with
    {
        FileFormat = new("yes|no", "", ReadRequired, static isOptional => Formats.YesNo.Write(!isOptional))
        {
            Form = Formats.YesNo.InFile.Form,
        },
    };

    /// <summary><c>buffer</c>, <c>stream</c>, <c>hybrid</c> or <c>hybrid:64KiB</c>.</summary>
    public static ValueFormat<BodyShape> Mode { get; } = new($"{Modes.Placeholder}[:SIZE]", "SIZE up to 1GiB", Read, Write)
    {
        Form = new() { Words = Modes.Form.Words, Pattern = "hybrid:[0-9]+(B|KiB|MiB|GiB)?" },
    };

    private static bool ReadRequired(string text, Action<string> error, out bool isOptional)
    {
        var isRead = Formats.YesNo.InFile.TryRead(text, error, out var isRequired);
        isOptional = !isRequired;
        return isRead;
    }

    private static bool Read(string text, Action<string> error, out BodyShape value)
    {
        if (!text.StartsWith(Hybrid + ":", StringComparison.Ordinal))
        {
            var isMode = Modes.TryRead(text, error, out var mode);
            value = new(mode, HybridThreshold);
            return isMode;
        }

        if (ByteSizes.TryParse(text[(Hybrid.Length + 1)..], out var threshold) && threshold <= MaxThreshold)
        {
            value = new(BodyMode.Hybrid, (int)threshold);
            return true;
        }

        value = default;
        error($"{text} does not name a size up to 1GiB; write hybrid:64KiB");
        return false;
    }

    private static string Write(BodyShape value) =>
        value.Mode == BodyMode.Hybrid ? $"{Hybrid}:{ByteSizes.Format(value.Threshold)}" : Modes.Write(value.Mode);
}

/// <summary>Values that name events of the agent protocol.</summary>
internal static class EventFormats
{
    /// <summary>A timeout for each of some events, for example <c>request-body:300ms+guardrail:2s</c>.</summary>
    public static ValueFormat<IReadOnlyDictionary<EventKind, TimeSpan>> Timeouts { get; } =
        Formats.Parted<IReadOnlyDictionary<EventKind, TimeSpan>>(
            "EVENT:DURATION", ReadTimeouts, WriteTimeouts,
            new() { Shape = ValueShape.Map, Words = EventNames.All, Pattern = Formats.DurationPattern }) with
        {
            Choices = "several with +; events as in events=",
        };

    /// <summary>Some events, for example <c>request-headers+request-body</c>.</summary>
    public static ValueFormat<EventSet> Set { get; } =
        Formats.Parted<EventSet>("EVENT+EVENT", ReadSet, WriteSet, new() { Shape = ValueShape.List, Words = [.. EventNames.All, "all"] }) with
        {
            Choices = EventNames.Known,
        };

    private static bool ReadTimeouts(
        IReadOnlyList<string> entries, Action<string> error, out IReadOnlyDictionary<EventKind, TimeSpan> value)
    {
        var timeouts = new Dictionary<EventKind, TimeSpan>();
        var isFine = true;
        foreach (var entry in entries)
        {
            var colon = entry.IndexOf(':', StringComparison.Ordinal);
            var kind = colon < 0 ? EventKind.None : EventNames.KindOf(entry[..colon].Trim());
            if (kind == EventKind.None || !Durations.TryParse(entry[(colon + 1)..].Trim(), out var duration))
            {
                error($"'{entry}' is not an event and a duration above zero; write for example request-body:300ms; events are "
                    + $"{EventNames.Single}");
                isFine = false;
            }
            else if (!timeouts.TryAdd(kind, duration))
            {
                error($"the timeout of {EventNames.Of(kind)} is given twice");
                isFine = false;
            }
        }

        value = timeouts;
        return isFine;
    }

    private static IReadOnlyList<string> WriteTimeouts(IReadOnlyDictionary<EventKind, TimeSpan> value) =>
        [.. value.OrderBy(static pair => pair.Key).Select(static pair => $"{EventNames.Of(pair.Key)}:{Durations.Format(pair.Value)}")];

    private static bool ReadSet(IReadOnlyList<string> names, Action<string> error, out EventSet value)
    {
        value = EventSet.None;
        var isFine = true;
        foreach (var name in names)
        {
            var one = name == "all" ? EventSet.All : EventNames.KindOf(name).AsSet();
            if (one == EventSet.None)
            {
                error($"event {name} is none of {EventNames.Known}{Nearest.Hint(name, EventNames.All)}");
                isFine = false;
            }

            value |= one;
        }

        return isFine;
    }

    private static IReadOnlyList<string> WriteSet(EventSet value) =>
        value == EventSet.All ? ["all"] : [.. Enum.GetValues<EventKind>().Where(kind => value.Has(kind)).Select(EventNames.Of)];
}

/// <summary>Values that say who may use a socket file.</summary>
internal static class SocketFormats
{
    private const int MostDigits = 4;

    /// <summary>Access rights in octal digits, for example <c>0660</c>.</summary>
    public static ValueFormat<UnixFileMode> Mode { get; } =
        new("OCTAL", "1 to 4 digits", Read, static value => "0" + Convert.ToString((int)value, 8))
        {
            Form = new() { Pattern = "[0-7]{1,4}", IsNumeric = true },
        };

    private static bool Read(string text, Action<string> error, out UnixFileMode value)
    {
        var mode = 0;
        var isOctal = text.Length <= MostDigits;
        foreach (var digit in text)
        {
            isOctal &= digit is >= '0' and <= '7';
            mode = (mode * 8) + (digit - '0');
        }

        value = (UnixFileMode)mode;
        if (!isOctal)
        {
            error($"{text} is not an octal file mode such as 0660");
        }

        return isOctal;
    }
}
