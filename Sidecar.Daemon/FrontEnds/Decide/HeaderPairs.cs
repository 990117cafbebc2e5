using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>Reads header fields: <c>[["host", "app.example"], ["x-raw", "/w==", "base64"]]</c>, in order, duplicates kept.</summary>
/// <remarks>
/// Values are UTF-8 where they are valid UTF-8, else Latin-1. What a client can cause (too many fields, names that are none, line breaks in
/// values) is a problem of the question; what only a script can do wrong is malformed.
/// </remarks>
internal static class HeaderPairs
{
    /// <summary>Reads the array that stands here; null is none.</summary>
    public static DecideHeaders Read(ref DecideRequestJson json, JsonListenerOptions options)
    {
        if (json.IsNull)
        {
            return DecideHeaders.None;
        }

        var block = new HeaderBlock(32, 1024);
        string? problem = null;
        var (count, bytes) = (0, 0L);
        json.EnterArray();
        while (json.NextElement())
        {
            // Counted in full, but nothing beyond the limits is kept.
            var isWanted = ++count <= options.MaxHeaders && bytes <= options.MaxHeaderBytes;
            bytes += ReadPair(ref json, isWanted ? block : null, ref problem);
        }

        problem = RequestRules.HeaderProblem(count, bytes, options.MaxHeaders, options.MaxHeaderBytes) ?? problem;
        return new DecideHeaders(block, problem);
    }

    private static int ReadPair(ref DecideRequestJson json, HeaderBlock? block, ref string? problem)
    {
        json.EnterArray();
        var name = (json.NextElement() ? json.Text() : null) ?? throw json.Wrong("a header name");
        if (!json.NextElement())
        {
            throw DecideRequestException.Malformed($"the header '{HeaderRules.Echo(name)}' has no value; write [\"name\", \"value\"]");
        }

        var rented = ArrayPool<byte>.Shared.Rent(json.TextLength());
        try
        {
            var length = json.CopyText(rented);
            if (json.NextElement())
            {
                length = Decode(ref json, name, rented, length);
            }

            problem ??= ProblemOf(name, rented.AsSpan(0, length));
            if (block is not null && problem is null)
            {
                WireText.Add(block, Encoding.ASCII.GetBytes(name), rented.AsSpan(0, length));
            }

            return name.Length + length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static int Decode(ref DecideRequestJson json, string name, Span<byte> value, int length)
    {
        if (json.Text() is not "base64")
        {
            throw json.Wrong("\"base64\"");
        }

        if (Base64.DecodeFromUtf8InPlace(value[..length], out var written) != OperationStatus.Done)
        {
            throw DecideRequestException.Malformed($"the value of the header '{HeaderRules.Echo(name)}' is not base64");
        }

        return json.NextElement() ? throw json.Wrong("nothing after \"base64\"") : written;
    }

    private static string? ProblemOf(string name, ReadOnlySpan<byte> value) =>
        !HeaderRules.IsToken(name) ? "a header name is no token (RFC 9110 §5.6.2)"
        : value.ContainsAny((byte)'\r', (byte)'\n', (byte)0) ? "a header value holds a line break or NUL"
        : null;
}
