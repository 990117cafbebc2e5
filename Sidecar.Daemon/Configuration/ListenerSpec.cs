using System.Globalization;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--listen 'kind=PATH[,key=value]…'</c>.</summary>
internal static class ListenerSpec
{
    private static readonly string[] HttpKeys = ["proxy", "budget", "mode", "group", "set-headers", "edit-headers", "response-headers"];
    private static readonly string[] NativeKeys = ["budget", "mode", "group", "unknown-exchange"];
    private static readonly string[] AdminKeys = ["mode", "group"];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static ListenerOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var kind = text.Split('=', 2)[0];
        var keys = kind switch { "http" => HttpKeys, "native" => NativeKeys, "admin" => AdminKeys, _ => null };
        if (keys is null || !text.Contains('=', StringComparison.Ordinal))
        {
            errors.Add($"--listen '{text}': write http=PATH,proxy=nginx or native=PATH or admin=PATH");
            return null;
        }

        var spec = new SpecText("--listen", text, keys, errors, "set-headers", "edit-headers", "response-headers");
        var path = spec.Head[(kind.Length + 1)..];
        if (SocketPaths.Error(path) is { } error)
        {
            spec.Error(error);
        }

        var proxy = spec.Word<ProxyKind>("proxy", ("nginx", ProxyKind.Nginx));
        if (kind == "http" && proxy is null && spec.Text("proxy") is null)
        {
            spec.Error("an http listener needs proxy=nginx: which proxy asks decides which headers are believed");
        }

        var defaults = new ListenerOptions { Kind = kind switch { "http" => ListenerKind.Http, "native" => ListenerKind.Native, _ => ListenerKind.Admin }, Path = path };
        var options = defaults with
        {
            Proxy = proxy ?? ProxyKind.None,
            Budget = spec.Duration("budget") ?? defaults.Budget,
            Mode = Mode(spec) ?? defaults.Mode,
            Group = spec.Text("group"),
            SetHeaders = spec.List("set-headers") ?? defaults.SetHeaders,
            EditHeaders = spec.List("edit-headers") ?? defaults.EditHeaders,
            ResponseHeaders = spec.List("response-headers") ?? defaults.ResponseHeaders,
            UnknownExchange = spec.Word<FailureMode>("unknown-exchange", ("closed", FailureMode.Closed), ("open", FailureMode.Open)) ?? FailureMode.Closed,
        };
        return errors.Count == before ? options : null;
    }

    private static UnixFileMode? Mode(SpecText spec)
    {
        if (spec.Text("mode") is not { } text)
        {
            return null;
        }

        var mode = 0;
        foreach (var digit in text)
        {
            if (digit is < '0' or > '7' || text.Length > 4)
            {
                spec.Error(string.Create(CultureInfo.InvariantCulture, $"mode={text} is not an octal file mode such as 0660"));
                return null;
            }

            mode = (mode * 8) + (digit - '0');
        }

        return (UnixFileMode)mode;
    }
}
