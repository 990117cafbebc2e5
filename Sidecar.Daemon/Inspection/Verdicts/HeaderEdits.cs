using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection.Verdicts;

/// <summary>
/// Folds header operations into their net effect per name, so that each front end emits removals, settings and additions once. Stateless.
/// </summary>
internal static class HeaderEdits
{
    /// <summary>The net effect of the operations of several agents, one agent's after the other's.</summary>
    /// <param name="operations">One list per agent in route order; every name and value has passed <see cref="HeaderRules"/>.</param>
    /// <returns>One edit per name, names in lower case, in order of first appearance.</returns>
    public static IReadOnlyList<HeaderEdit> Fold(IEnumerable<IReadOnlyList<HeaderOperation>> operations)
    {
        Dictionary<string, int>? places = null;
        List<Net>? nets = null;
        foreach (var list in operations)
        {
            for (var i = 0; i < list.Count; i++)
            {
                var operation = list[i];
                places ??= new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
                nets ??= [];
                if (!places.TryGetValue(operation.Name, out var place))
                {
                    places[operation.Name] = place = nets.Count;
                    nets.Add(new Net(operation.Name.ToLowerInvariant()));
                }

                nets[place].Apply(operation);
            }
        }

        return nets is null ? Array.Empty<HeaderEdit>() : nets.ConvertAll(static net => net.ToEdit());
    }

    /// <summary>The net effect of edits and of others after them, as when two events of an exchange change the same headers.</summary>
    /// <returns>One edit per name, in order of first appearance.</returns>
    public static IReadOnlyList<HeaderEdit> Join(IReadOnlyList<HeaderEdit> first, IReadOnlyList<HeaderEdit> then)
    {
        if (first.Count == 0 || then.Count == 0)
        {
            return first.Count == 0 ? then : first;
        }

        var joined = first.ToList();
        foreach (var edit in then)
        {
            var place = joined.FindIndex(other => other.Name == edit.Name);
            if (place < 0)
            {
                joined.Add(edit);
            }
            else if (!edit.KeepOriginal)
            {
                joined[place] = edit;
            }
            else
            {
                joined[place] = joined[place] with { Values = [.. joined[place].Values, .. edit.Values] };
            }
        }

        return joined;
    }

    // Values of one name as they grow.
    private sealed class Net(string name)
    {
        private readonly List<string> _values = [];
        private bool _keepOriginal = true;

        public void Apply(HeaderOperation operation)
        {
            if (operation.Kind != HeaderOperationKind.Add)
            {
                _keepOriginal = false;
                _values.Clear();
            }

            if (operation.Kind != HeaderOperationKind.Remove)
            {
                _values.Add(operation.Value);
            }
        }

        public HeaderEdit ToEdit() => new(name, _keepOriginal, _values);
    }
}

/// <summary>The net effect of all operations of all agents on one header.</summary>
/// <param name="Name">The header's name in lower case.</param>
/// <param name="KeepOriginal">Whether the values that came with the message stay.</param>
/// <param name="Values">Values to append, in order. None, with the original not kept, removes the header.</param>
internal sealed record HeaderEdit(string Name, bool KeepOriginal, IReadOnlyList<string> Values)
{
    /// <summary>Whether the header is to go.</summary>
    public bool IsRemoval => !KeepOriginal && Values.Count == 0;

    /// <summary>
    /// The operations that have this effect: a removal, or a setting of the first value unless the original stays, and additions.
    /// </summary>
    public IEnumerable<HeaderOperation> Operations() => IsRemoval
        ? [HeaderOperation.Remove(Name)]
        : Values.Select((value, i) => i == 0 && !KeepOriginal ? HeaderOperation.Set(Name, value) : HeaderOperation.Add(Name, value));
}
