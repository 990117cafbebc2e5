namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Messages that are described by a table of their members, for both directions.</summary>
internal static partial class Codec<TReader, TWriter>
{
    internal delegate T ReadMember<T>(ref TReader r, T message);

    internal delegate void WriteMember<in T>(ref TWriter w, T message);

    /// <summary>One member of a message.</summary>
    /// <param name="Name">Its key in a map.</param>
    /// <param name="Read">Reads its value, which is not null, into a message.</param>
    /// <param name="Write">Writes its value; null in what is only read.</param>
    /// <param name="OnlyIf">Whether a message has it at all; null where each has.</param>
    /// <param name="IsRequired">Whether a message without it is none.</param>
    /// <param name="IsOnce">Whether one that comes twice is an error; else the last counts.</param>
    internal sealed record Member<T>(
        string Name,
        ReadMember<T> Read,
        WriteMember<T>? Write = null,
        Func<T, bool>? OnlyIf = null,
        bool IsRequired = false,
        bool IsOnce = false)
    {
        internal bool IsIn(T message) => OnlyIf is null || OnlyIf(message);
    }

    /// <summary>A message by its members, in the order in which they are written. Each member that is read makes a new object.</summary>
    /// <param name="name">The message, for errors.</param>
    /// <param name="empty">The message before any member has come.</param>
    /// <param name="members">The members, which also stand in this order in an array; at most 32.</param>
    internal sealed class Shape<T>(string name, T empty, params Member<T>[] members)
    {
        private readonly MemberTable _names = new(members.Length, [.. members.Select(static member => member.Name)]);
        private MemberTable? _positions;
        private MemberTable? _positionsWhenShort;

        /// <summary>The members of an array, where it has others or another order.</summary>
        internal string[] InArrays
        {
            init => _positions = _names.InOrder(value);
        }

        /// <summary>A member that is left out of arrays too, so that those behind it move up (spec §4.2).</summary>
        internal string LeftOutOfArrays
        {
            init => _positionsWhenShort = Positions(member => member.Name != value);
        }

        /// <summary>Whether it follows from the first element of an array which members the others are.</summary>
        internal bool DependsOnFirst { get; init; }

        internal T Read(ref TReader r) => Read(ref r, empty);

        /// <summary>Reads what comes over a message that has some of its members already.</summary>
        internal T Read(ref TReader r, T message)
        {
            var seen = 0u;
            var scope = r.BeginStruct();
            var isShort = !scope.IsMap && scope.Count == members.Length - 1;
            var table = (isShort ? _positionsWhenShort : null) ?? _positions ?? _names;
            while (r.Next(ref scope, table, out var index))
            {
                var member = members[index];
                if (member.IsOnce && (seen & (1u << index)) != 0)
                {
                    throw ProtocolErrors.Twice(name, member.Name);
                }

                seen |= 1u << index;
                message = member.Read(ref r, message);
                table = DependsOnFirst && index == 0 ? PositionsIn(message) : table;
            }

            for (var i = 0; i < members.Length; i++)
            {
                if (members[i].IsRequired && (seen & (1u << i)) == 0)
                {
                    throw ProtocolErrors.Missing(name, members[i].Name);
                }
            }

            return message;
        }

        /// <summary>Writes a message, or null.</summary>
        internal void Write(ref TWriter w, T? message)
        {
            if (message is null)
            {
                w.Null();
                return;
            }

            var count = 0;
            foreach (var member in members)
            {
                count += member.IsIn(message) ? 1 : 0;
            }

            w.BeginMap(count);
            for (var i = 0; i < members.Length; i++)
            {
                if (members[i].IsIn(message))
                {
                    w.Key(_names.Utf8(i));
                    members[i].Write!(ref w, message);
                }
            }

            w.EndMap();
        }

        private MemberTable PositionsIn(T message) => Positions(member => member.IsIn(message));

        private MemberTable Positions(Func<Member<T>, bool> isThere) =>
            _names.InOrder([.. members.Where(isThere).Select(static member => member.Name)]);
    }
}
