using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Text;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>
/// Reads the arguments of a message. Names are HAProxy's own choice of words in the configuration; in them <c>_</c> and <c>-</c> are one.
/// </summary>
/// <remarks>
/// Never throws for what a peer sends: a wrong type is a fault of HAProxy's configuration, which the arguments then name.
/// </remarks>
internal sealed class NotifyArgumentsReader(SpopListenerOptions options)
{
    /// <summary>Arguments without a place of their own that are shown to agents.</summary>
    public const int MaxExtraArguments = 32;

    /// <summary>Bytes of names and values of those arguments.</summary>
    public const int MaxExtraBytes = 8 * 1024;

    /// <summary>Reads a message.</summary>
    /// <param name="message">A message of the given phase.</param>
    /// <param name="payload">What it is a part of.</param>
    /// <param name="phase">Request or response.</param>
    /// <param name="bufferSize">HAProxy's buffer in bytes.</param>
    public NotifyArguments Read(SpopMessage message, ReadOnlyMemory<byte> payload, SpopPhase phase, int bufferSize)
    {
        var args = new NotifyArguments { BufferSize = bufferSize };
        var client = new ClientConnection();
        var hasExtras = false;
        foreach (var argument in message.Arguments)
        {
            var value = argument.Value;
            switch (SpopArgumentNames.Known(argument.Name))
            {
                case "id": args.Id = Text(value); break;
                case "src": client.Ip = Address(value); break;
                case "src-port":
                    client.Port = value.TryGetInt64(out var port) && port is >= 0 and <= ushort.MaxValue ? (ushort)port : (ushort)0;
                    break;
                case "method": args.Method = Method(value); break;
                case "uri": args.RawTarget = Raw(value); break;
                case "ver": args.Version = value.Bytes.SequenceEqual("1.1"u8) ? "1.1" : Text(value); break;
                case "sni": client.Sni = Text(value); break;
                case "tls-version": client.TlsVersion = Text(value); break;
                case "tls-cipher": client.TlsCipher = Text(value); break;
                case "route": args.Route = Text(value); break;
                case "whole": args.IsWhole = value.TryGetBoolean(out var whole) ? whole : null; break;
                case "len": args.Held = Size(value); break;
                case "status": args.Status = value.TryGetInt64(out var status) ? status : null; break;
                case "body-size": args.BodySize = Size(value); break;
                case "body-len": args.BodyLength = Size(value); break;
                case "headers": ReadBlock(args, phase, value); break;
                case "headers-text": ReadText(args, phase, value); break;
                case "body": ReadBody(args, value, payload); break;
                default: hasExtras = true; break;
            }
        }

        args.Client = client;
        if (args.RawTarget is { } target)
        {
            (args.Target, args.Authority) = RequestRules.OriginForm(args.Method, target);
        }

        if (hasExtras)
        {
            AddExtras(args, message);
        }

        return args;
    }

    private void ReadBlock(NotifyArguments args, SpopPhase phase, SpopValue value)
    {
        args.AreHeadersTold = true;
        if (value.IsNull || (value.IsBytes && value.Bytes.IsEmpty))
        {
            return;
        }

        if (!SpopHeaderBlock.TryRead(value.Bytes, out var block, out var error))
        {
            args.Misconfigured ??= $"the argument headers is no binary header block ({error.Message}); write headers=req.hdrs_bin";
            return;
        }

        Reserve(args, block.Count, value.Bytes.Length);
        foreach (var header in block)
        {
            Add(args, phase, header);
        }
    }

    private void ReadText(NotifyArguments args, SpopPhase phase, SpopValue value)
    {
        args.AreHeadersTold = true;
        if (!SpopHeaderText.TryRead(value.Bytes, out var text, out var error))
        {
            args.Misconfigured ??= $"the argument headers-text is no header text ({error.Message}); write headers-text=req.hdrs, or better "
                + "headers=req.hdrs_bin";
            return;
        }

        Reserve(args, text.Count, value.Bytes.Length);
        foreach (var header in text)
        {
            Add(args, phase, header);
        }
    }

    // Room for what came, no more than is inspected.
    private void Reserve(NotifyArguments args, int fields, int bytes)
    {
        if (args.Headers.Count == 0)
        {
            args.Headers = new HeaderBlock(Math.Min(fields, options.MaxHeaders), Math.Min(bytes, options.MaxHeaderBytes));
        }
    }

    private void Add(NotifyArguments args, SpopPhase phase, SpopHeader header)
    {
        args.HeaderCount++;
        args.HeaderBytes += header.Name.Length + header.Value.Length;
        if (args.HeaderCount <= options.MaxHeaders && args.HeaderBytes <= options.MaxHeaderBytes
            && (phase != SpopPhase.Request || HeaderTables.Haproxy.Classify(header.Name) == HeaderRole.Shown))
        {
            WireText.Add(args.Headers, header.Name, header.Value);
        }
    }

    private static void ReadBody(NotifyArguments args, SpopValue value, ReadOnlyMemory<byte> payload)
    {
        if (args.Body is not null)
        {
            args.Misconfigured ??= "the argument body came twice";
            return;
        }

        args.Body = payload.Span.Overlaps(value.Bytes, out var start)
            ? payload.Slice(start, value.Bytes.Length) : ReadOnlyMemory<byte>.Empty;
    }

    // The proxy's own word about what we have no place for. The prefix is one that no client can use.
    private static void AddExtras(NotifyArguments args, SpopMessage message)
    {
        Span<byte> name = stackalloc byte[SpopArgumentNames.Longest + 16];
        var (count, bytes) = (0, 0);
        foreach (var argument in message.Arguments)
        {
            if (argument.Name.Length is 0 or > SpopArgumentNames.Longest || SpopArgumentNames.Known(argument.Name) is not null
                || Shown(argument.Value) is not { } shown)
            {
                continue;
            }

            bytes += argument.Name.Length + shown.Length;
            if (++count > MaxExtraArguments || bytes > MaxExtraBytes)
            {
                args.Misconfigured ??= $"the message has more than {MaxExtraArguments} arguments of its own, or more than {MaxExtraBytes} "
                    + "bytes of them; send fewer";
                return;
            }

            "x-sidecar-arg-"u8.CopyTo(name);
            var length = 14 + argument.Name.Length;
            argument.Name.Replace(name[14..], (byte)'_', (byte)'-');
            args.Headers.Add(Encoding.Latin1.GetString(name[..length]), shown);
        }
    }

    private static string? Shown(SpopValue value) =>
        value.TryGetInt64(out var number) ? number.ToString(CultureInfo.InvariantCulture)
        : value.TryGetUInt64(out var large) ? large.ToString(CultureInfo.InvariantCulture)
        : value.TryGetBoolean(out var flag) ? (flag ? "true" : "false")
        : value.IsAddress ? new IPAddress(value.Bytes).ToString()
        : Text(value);

    private static string Address(SpopValue value) => value.IsAddress ? new IPAddress(value.Bytes).ToString()
        : value.IsBytes && Text(value) is { } text && IPAddress.IsValid(text) ? text : "";

    private static long? Size(SpopValue value) => value.TryGetInt64(out var size) && size >= 0 ? size : null;

    private static string? Text(SpopValue value) => value.IsBytes && !value.Bytes.IsEmpty ? WireText.Of(value.Bytes) : null;

    private static string? Method(SpopValue value) =>
        value.Bytes.SequenceEqual("GET"u8) ? "GET" : value.Bytes.SequenceEqual("POST"u8) ? "POST" : Raw(value);

    // A query that is there and empty is something else than none.
    private static string? Raw(SpopValue value) => value.IsBytes ? Encoding.Latin1.GetString(value.Bytes) : null;
}

/// <summary>The names of arguments that have a place of their own. Stateless.</summary>
internal static class SpopArgumentNames
{
    /// <summary>Longest name of an argument that is looked at, in bytes.</summary>
    public const int Longest = 64;

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> All = new[]
    {
        "id", "src", "uri", "ver", "sni", "len", "body", "route", "whole", "method", "status", "headers", "src-port", "body-len",
        "body-size",
        "tls-cipher", "tls-version", "headers-text",
    }.ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The known name, with <c>-</c> for <c>_</c>; null for one that has no place.</summary>
    public static string? Known(ReadOnlySpan<byte> name)
    {
        Span<char> folded = stackalloc char[Longest];
        if (!Encoding.Latin1.TryGetChars(name, folded, out var length))
        {
            return null;
        }

        folded[..length].Replace('_', '-');
        return All.TryGetValue(folded[..length], out var known) ? known : null;
    }
}
