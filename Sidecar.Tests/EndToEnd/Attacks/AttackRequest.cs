using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>A hostile request as the bytes that a client sends.</summary>
/// <param name="Id">Names it; the request carries it in its header X-Fid, so that what agent and upstream got can be told apart.</param>
/// <param name="Raw">All its bytes.</param>
internal sealed record AttackRequest(string Id, byte[] Raw)
{
    /// <summary>A larger, public collection, where the checkout stands beside one; else null.</summary>
    public static string? RuleSetFile { get; } = Find(Path.Combine("shared", "crs", "requests.jsonl"));

    /// <summary>Those of that collection: the tests of a rule set, most of which match rules of it.</summary>
    public static IReadOnlyList<AttackRequest> OfRuleSet { get; } = RuleSetFile is null ? [] : Load(RuleSetFile);

    /// <summary>Those of the corpus, and the larger collection where there is one.</summary>
    public static IReadOnlyList<AttackRequest> All { get; } = [.. Load(Path.Combine(AppContext.BaseDirectory, "Corpus", "attacks.jsonl")), .. OfRuleSet];

    /// <summary>How many bytes the headers take, with the empty line behind them.</summary>
    public int HeadLength
    {
        get
        {
            // Servers take lines that end with a line feed only, too.
            var (usual, bare) = (Raw.AsSpan().IndexOf("\r\n\r\n"u8), Raw.AsSpan().IndexOf("\n\n"u8));
            return usual >= 0 ? usual + 4 : bare >= 0 ? bare + 2 : Raw.Length;
        }
    }

    /// <summary>Whether anything follows the headers.</summary>
    public bool HasBody => HeadLength < Raw.Length;

    /// <summary>Whether it announces more than it has: no server can take it as a whole.</summary>
    public bool IsShort
    {
        get
        {
            var head = WireMessage.ParseHead(Encoding.Latin1.GetString(Raw));
            var body = Raw.AsSpan(HeadLength);
            var length = body.Length;
            return HeadLength == Raw.Length && Raw[^1] != '\n'
                || (
                    head.Values("transfer-encoding").Any()
                        ? LacksLastChunk(body)
                        : head.Values("content-length").Any(value => ulong.TryParse(value, CultureInfo.InvariantCulture, out var announced) && announced > (ulong)length));
        }
    }

    private static bool LacksLastChunk(ReadOnlySpan<byte> body)
    {
        while (body.IndexOf((byte)'\n') is >= 0 and var end)
        {
            var line = Encoding.Latin1.GetString(body[..end]).Split(';')[0].Trim();
            if (!ulong.TryParse(line, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size == 0)
            {
                // The last one, or nothing that anybody would wait behind.
                return false;
            }

            body = body[(end + 1)..];
            if (size > (ulong)body.Length)
            {
                return true;
            }

            body = body[(int)size..];
            body = body[(body.IndexOf((byte)'\n') + 1)..];
        }

        return true;
    }

    private static string? Find(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Path.Combine(folder.FullName, name) is var path && File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    private static List<AttackRequest> Load(string file) => [.. File.ReadLines(file).Where(static line => line.Length > 0).Select(Parse)];

    private static AttackRequest Parse(string line)
    {
        using var json = JsonDocument.Parse(line);
        return new AttackRequest(json.RootElement.GetProperty("id").GetString()!, json.RootElement.GetProperty("raw").GetBytesFromBase64());
    }
}
