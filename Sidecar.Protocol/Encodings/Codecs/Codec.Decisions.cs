using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Decisions in all their forms (spec §4.10, §4.12). One that is none of them is an error, never an allow.</summary>
/// <remarks>
/// A refusal that can be recognised is read whatever is wrong with its details (spec §5.8): one of the wrong kind is left out, a status
/// that is none is read as 0, a target or type that is missing as the empty text. Whoever carries the decision out replaces them.
/// </remarks>
internal static partial class Codec<TReader, TWriter>
{
    private const string KnownDecisions = "allow, block, redirect and challenge";

    private static readonly MemberTable DecisionMembers = new(
        0,
        "allow", "block", "redirect", "challenge", "type", "needs_more",
        "status", "body", "headers", "url", "challenge_type", "params");

    private static readonly MemberTable BlockMembers = DecisionMembers.InOrder("status", "body", "headers");
    private static readonly MemberTable RedirectMembers = DecisionMembers.InOrder("url", "status");
    private static readonly MemberTable ChallengeMembers = DecisionMembers.InOrder("challenge_type", "params");

    /// <summary>Reads a decision.</summary>
    /// <param name="r">The reader.</param>
    /// <param name="needsMore">Set when the decision says that more is needed.</param>
    private static Decision ReadDecision(ref TReader r, ref bool needsMore)
    {
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            var name = r.ReadUtf8();
            return name.SequenceEqual("allow"u8) ? Decision.Allow : default(DecisionFields).Build(KnownStrings.Get(name));
        }

        if (r.Kind != ValueKind.Map)
        {
            throw ProtocolErrors.WrongKind("decision", "allow or an object", r.Kind);
        }

        return ReadDecisionObject(ref r, ref needsMore);
    }

    private static void WriteDecision(ref TWriter w, Decision decision)
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
                w.BeginMap(3);
                w.Member("status"u8, block.Status);
                w.Member("body"u8, block.Body);
                w.Key("headers"u8);
                w.TextMap(block.Headers);
                w.EndMap();
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
                w.Key("params"u8);
                w.TextMap(challenge.Parameters);
                w.EndMap();
                break;
        }

        w.EndMap();
    }

    /// <summary>The variant of a decision, which a second name may repeat but not change.</summary>
    /// <exception cref="ProtocolException">It is another one than before.</exception>
    private static string OnlyOne(string member, string? before, string name) =>
        before is null || string.Equals(before, name, StringComparison.Ordinal)
            ? name
            : throw new ProtocolException($"{member} is both {before} and {name}; it must be one");

    private static Decision ReadDecisionObject(ref TReader r, ref bool needsMore)
    {
        string? variant = null;
        var saysNeedsMore = false;
        var fields = default(DecisionFields);
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, DecisionMembers, out var member))
        {
            if (member <= 3)
            {
                variant = OnlyOne("decision", variant, DecisionMembers.Name(member));
                fields = ReadDecisionVariant(ref r, member);
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

    private static DecisionFields ReadDecisionVariant(ref TReader r, int variant)
    {
        var fields = default(DecisionFields);
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
    private struct DecisionFields
    {
        private ushort? _status;
        private string? _body;
        private IReadOnlyDictionary<string, string>? _headers;
        private string? _url;
        private string? _challengeType;
        private IReadOnlyDictionary<string, string>? _parameters;

        internal void Read(ref TReader r, int member)
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
                6 => Set(out _status, r.ReadHttpStatus()),
                7 => Set(out _body, r.ReadText()),
                8 => Set(out _headers, r.ReadTextMap()),
                9 => Set(out _url, r.ReadString()),
                10 => Set(out _challengeType, r.ReadString()),
                _ => Set(out _parameters, r.ReadTextMap(keepNulls: true)),
            };
        }

        internal readonly Decision Build(string? variant) => variant switch
        {
            "allow" => Decision.Allow,
            "block" => new BlockDecision(_status ?? 403, _body, _headers),
            "redirect" => new RedirectDecision(_url ?? "", _status ?? 302),
            "challenge" => new ChallengeDecision(_challengeType ?? "", _parameters ?? EmptyMap.OfStrings),
            null => throw new ProtocolException("decision is an object without a decision; known are " + KnownDecisions),
            _ => throw ProtocolErrors.Unknown("decision", variant, KnownDecisions),
        };
    }
}
