using System.Runtime.InteropServices;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Decisions in all their forms (spec §4.10, §4.12). One that is none of them is an error, never an allow.</summary>
/// <remarks>
/// A refusal that can be recognised is read whatever is wrong with its details (spec §5.8): one of the wrong kind is left out, a status that is
/// none is read as 0, a target or type that is missing as the empty text. Whoever carries the decision out replaces them.
/// </remarks>
internal static class DecisionCodec
{
    private const string Known = "allow, block, redirect and challenge";

    private static readonly MemberTable Members = new(
        0,
        "allow", "block", "redirect", "challenge", "type", "needs_more",
        "status", "body", "headers", "url", "challenge_type", "params");

    private static readonly MemberTable BlockMembers = Members.InOrder("status", "body", "headers");
    private static readonly MemberTable RedirectMembers = Members.InOrder("url", "status");
    private static readonly MemberTable ChallengeMembers = Members.InOrder("challenge_type", "params");

    /// <summary>Reads a decision.</summary>
    /// <param name="r">The reader.</param>
    /// <param name="needsMore">Set when the decision says that more is needed.</param>
    internal static Decision Read<TReader>(ref TReader r, ref bool needsMore)
        where TReader : struct, IValueReader, allows ref struct
    {
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            var name = r.ReadUtf8();
            return name.SequenceEqual("allow"u8) ? Decision.Allow : default(Fields).Build(KnownStrings.Get(name));
        }

        if (r.Kind != ValueKind.Map)
        {
            throw ProtocolErrors.WrongKind("decision", "allow or an object", r.Kind);
        }

        return ReadObject(ref r, ref needsMore);
    }

    internal static void Write<TWriter>(ref TWriter w, Decision decision)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        if (decision is AllowDecision)
        {
            w.String("allow");
            return;
        }

        w.BeginMap(1);
        switch (decision)
        {
            case BlockDecision block:
                w.Key("block"u8);
                WriteBlock(ref w, block);
                break;
            case RedirectDecision redirect:
                w.Key("redirect"u8);
                w.BeginMap(2);
                w.Member("url"u8, redirect.Url);
                w.Member("status"u8, redirect.Status);
                w.EndMap();
                break;
            case ChallengeDecision challenge:
                w.Key("challenge"u8);
                w.BeginMap(2);
                w.Member("challenge_type"u8, challenge.ChallengeType);
                w.Member("params"u8, challenge.Parameters);
                w.EndMap();
                break;
        }

        w.EndMap();
    }

    /// <summary>The variant of a decision, which a second name may repeat but not change.</summary>
    /// <exception cref="ProtocolException">It is another one than before.</exception>
    internal static string OnlyOne(string member, string? before, string name) =>
        before is null || string.Equals(before, name, StringComparison.Ordinal)
            ? name
            : throw new ProtocolException($"{member} is both {before} and {name}; it must be one");

    private static void WriteBlock<TWriter>(ref TWriter w, BlockDecision block)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Member("status"u8, block.Status);
        w.Member("body"u8, block.Body);
        w.Member("headers"u8, block.Headers);
        w.EndMap();
    }

    private static Decision ReadObject<TReader>(ref TReader r, ref bool needsMore)
        where TReader : struct, IValueReader, allows ref struct
    {
        string? variant = null;
        var saysNeedsMore = false;
        var fields = default(Fields);
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, Members, out var member))
        {
            if (member <= 3)
            {
                variant = OnlyOne("decision", variant, Members.Name(member));
                fields = ReadVariant(ref r, member);
            }
            else if (r.Kind == ValueKind.Null)
            {
                r.Skip();
            }
            else if (member == 4)
            {
                variant = OnlyOne("decision", variant, r.ReadString());
            }
            else if (member == 5)
            {
                needsMore |= r.ReadBoolean();
                saysNeedsMore = true;
            }
            else
            {
                fields.Read(ref r, member);
            }
        }

        return variant is null && saysNeedsMore ? Decision.Allow : fields.Build(variant);
    }

    private static Fields ReadVariant<TReader>(ref TReader r, int variant)
        where TReader : struct, IValueReader, allows ref struct
    {
        var fields = default(Fields);

        if (variant == 0)
        {
            r.ReadNothing("allow");
            return fields;
        }

        // Null, or a value that has no members, stands for a refusal without any.
        if (r.Kind is not (ValueKind.Map or ValueKind.Array))
        {
            r.Skip();
            return fields;
        }

        var table = variant switch { 1 => BlockMembers, 2 => RedirectMembers, _ => ChallengeMembers };
        var scope = r.BeginStruct();
        while (r.Next(ref scope, table, out var member))
        {
            if (member >= 6)
            {
                fields.Read(ref r, member);
            }
            else
            {
                r.Skip();
            }
        }

        return fields;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Fields
    {
        private ushort? _status;
        private string? _body;
        private IReadOnlyDictionary<string, string>? _headers;
        private string? _url;
        private string? _challengeType;
        private IReadOnlyDictionary<string, string>? _parameters;

        internal void Read<TReader>(ref TReader r, int member)
            where TReader : struct, IValueReader, allows ref struct
        {
            var isFit = member switch
            {
                6 => r.Kind == ValueKind.Number,
                7 => true,
                8 or 11 => r.Kind == ValueKind.Map,
                _ => r.Kind is ValueKind.String or ValueKind.Binary,
            };
            if (!isFit)
            {
                r.Skip();
                return;
            }

            _ = member switch
            {
                6 => r.Into(out _status, r.ReadHttpStatus()),
                7 => r.Into(out _body, r.ReadText()),
                8 => r.Into(out _headers, r.ReadTextMap()),
                9 => r.Into(ref _url),
                10 => r.Into(ref _challengeType),
                _ => r.Into(out _parameters, r.ReadTextMap(keepNulls: true)),
            };
        }

        internal readonly Decision Build(string? variant) => variant switch
        {
            "allow" => Decision.Allow,
            "block" => new BlockDecision(_status ?? 403, _body, _headers),
            "redirect" => new RedirectDecision(_url ?? "", _status ?? 302),
            "challenge" => new ChallengeDecision(_challengeType ?? "", _parameters ?? EmptyMap.OfStrings),
            null => throw new ProtocolException("decision is an object without a decision; known are " + Known),
            _ => throw ProtocolErrors.Unknown("decision", variant, Known),
        };
    }
}
