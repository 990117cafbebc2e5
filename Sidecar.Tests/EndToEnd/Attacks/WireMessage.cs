using System.Text;
using Sidecar.Daemon.FrontEnds.Common;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>A request as it was sent, shown or received: everything as the text that agents get, and the body as bytes.</summary>
/// <param name="Method">The first word of the start line.</param>
/// <param name="Target">What stands between the first and the last space of a request line; the status code of an answer.</param>
/// <param name="Headers">Names in lower case, values without the white space around them, in order.</param>
/// <param name="Body">Its bytes, without the framing of chunks.</param>
/// <param name="IsWhole">Whether nothing of the body is missing.</param>
internal sealed record WireMessage(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body, bool IsWhole = true)
{
    /// <summary>The id of the attack; empty for a request that carries none.</summary>
    public string Fid => Values("x-fid").FirstOrDefault() ?? "";

    /// <summary>The values of a name in order.</summary>
    public IEnumerable<string> Values(string name) => Headers.Where(field => field.Name == name).Select(static field => field.Value);

    /// <summary>Reads a head.</summary>
    /// <param name="head">The lines, a char for each byte; what follows an empty line is left alone.</param>
    public static WireMessage ParseHead(string head)
    {
        var end = head.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var lines = (end < 0 ? head : head[..end]).Split("\r\n");
        var words = lines[0].Split(' ', 2);
        var target = words.Length == 1 ? "" : words[1];
        var last = target.LastIndexOf(' ');
        return new WireMessage(
            Text(words[0]),
            Text(words[0].StartsWith("HTTP/", StringComparison.Ordinal) ? target.Split(' ')[0] : last < 0 ? target : target[..last]),
            [.. lines.Skip(1).Where(static line => line.Length > 0).Select(static line => line.Split(':', 2))
                .Select(static pair => (Text(pair[0]).ToLowerInvariant(), Text(pair[^1].Trim(' ', '\t'))))],
            []);
    }

    private static string Text(string latin1) => WireText.Of(Encoding.Latin1.GetBytes(latin1));
}
