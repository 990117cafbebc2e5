using System.Runtime.CompilerServices;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Structs come as a map or, by position, as an array, at every level (spec §4.2).</summary>
internal static class StructReading
{
    extension<TReader>(ref TReader r)
        where TReader : struct, IValueReader<TReader>, allows ref struct
    {
        /// <summary>Enters a struct; null is one without members.</summary>
        internal ValueScope BeginStruct()
        {
            var kind = r.Kind;
            if (kind == ValueKind.Map)
            {
                return r.BeginMap();
            }

            if (kind == ValueKind.Array)
            {
                return r.BeginArray();
            }

            throw ProtocolErrors.WrongKind(r.Member, "an object", kind);
        }

        /// <summary>Reads the value of a variant that has no members: null, or a struct without any.</summary>
        /// <exception cref="ProtocolException">It has one: what it means is not known, so the variant is not known either.</exception>
        internal void ReadNothing(string variant)
        {
            if (r.Kind == ValueKind.Null)
            {
                r.Skip();
                return;
            }

            var scope = r.BeginStruct();
            if (scope.Count > 0 || (scope.IsMap ? r.NextKey(ref scope, out _) : r.NextItem(ref scope)))
            {
                throw new ProtocolException($"{variant} has a member; it takes none");
            }
        }

        /// <summary>Moves to the next known member that is not null; skips the others. False at the end of the struct.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Next(ref ValueScope scope, MemberTable table, out int member)
        {
            while (r.NextOrNull(ref scope, table, out member))
            {
                if (r.Kind != ValueKind.Null)
                {
                    return true;
                }

                r.Skip();
            }

            return false;
        }

        /// <summary>Moves to the next known member, also when it is null. False at the end of the struct.</summary>
        internal bool NextOrNull(ref ValueScope scope, MemberTable table, out int member)
        {
            while (true)
            {
                if (scope.IsMap)
                {
                    if (!r.NextKey(ref scope, out var key))
                    {
                        member = -1;
                        return false;
                    }

                    member = table.IndexOf(key, scope.Position - 1);
                }
                else
                {
                    if (!r.NextItem(ref scope))
                    {
                        member = -1;
                        return false;
                    }

                    member = table.At(scope.Position - 1);
                }

                if (member >= 0)
                {
                    r.Member = table.Name(member);
                    return true;
                }

                r.Skip();
            }
        }
    }
}
