using System.Text;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads what is particular to <c>--listen spop=PATH</c> and <c>spop=abns:NAME</c>.</summary>
internal static class SpopListenerFlag
{
    /// <summary>What an abstract name begins with, as in HAProxy.</summary>
    public const string AbstractPrefix = "abns";

    /// <summary>The keys of a spop listener.</summary>
    public static readonly string[] Keys =
    [
        "budget", "mode", "group", "unknown-exchange", "response", "header-form", "set-headers", "edit-headers", "response-headers",
        "var-prefix", "max-frame", ListenerFlag.LimitKey,
    ];

    // HAProxy's address has 108 bytes, the first of which is NUL.
    private const int MaxAbstractName = 107;

    /// <summary>The abstract name in <c>abns:NAME</c> or <c>abns@NAME</c>; null for a path.</summary>
    public static string? AbstractName(string path) =>
        path.StartsWith(AbstractPrefix, StringComparison.Ordinal) && path.Length > AbstractPrefix.Length && path[AbstractPrefix.Length] is ':' or '@'
            ? path[(AbstractPrefix.Length + 1)..]
            : null;

    /// <summary>What is wrong with an abstract name; null when it is fine.</summary>
    public static string? NameError(string name) =>
        name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MaxAbstractName || name.Any(char.IsControl)
            ? $"the abstract name '{name}' must have 1 to {MaxAbstractName} bytes and no control characters"
            : null;

    /// <summary>The options.</summary>
    public static SpopOptions Parse(FlagText spec, ListenerOptions listener)
    {
        if (listener.AbstractName is not null && (spec.Text("mode") ?? spec.Text("group")) is not null)
        {
            spec.Error("mode= and group= are of socket files; an abstract name has none, and every process of the machine can connect to it");
        }

        var form = spec.Word<HeaderForm>("header-form", ("lists", HeaderForm.Lists), ("names", HeaderForm.Names)) ?? HeaderForm.Lists;
        foreach (var key in (ReadOnlySpan<string>)["set-headers", "edit-headers", "response-headers"])
        {
            if (form == HeaderForm.Lists && spec.Text(key) is not null)
            {
                spec.Error($"{key}= is of header-form=names; with lists every header is carried");
            }
        }

        var prefix = spec.Text("var-prefix") ?? Defaults.SpopVariablePrefix;
        if (prefix.Length is 0 or > 16 || !prefix.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_'))
        {
            spec.Error($"var-prefix={prefix} must have 1 to 16 letters, digits and '_': HAProxy takes names of 63 bytes in all");
        }

        var defaults = new SpopOptions();
        return defaults with
        {
            HasResponsePhase = spec.Word("response", ("yes", true), ("no", false)) ?? defaults.HasResponsePhase,
            HeaderForm = form,
            VariablePrefix = prefix,
            MaxFrameSize = Size(spec, "max-frame", 256, Defaults.SpopMaxFrame) ?? defaults.MaxFrameSize,
        };
    }

    private static int? Size(FlagText spec, string key, int min, int max)
    {
        if (spec.Size(key) is not { } size)
        {
            return null;
        }

        if (size >= min && size <= max)
        {
            return (int)size;
        }

        spec.Error($"{key}={spec.Text(key)} is outside {min} to {max} bytes");
        return null;
    }
}
