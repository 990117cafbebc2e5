using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>Folds header operations into their net effect per name, so that each front end emits removals, settings and additions once. Stateless.</summary>
internal static class HeaderEdits
{
    /// <summary>The net effect of the operations of several agents, one agent's after the other's.</summary>
    /// <param name="operations">One list per agent in route order; every name and value has passed <see cref="HeaderRules"/>.</param>
    /// <returns>One edit per name, names in lower case, in order of first appearance.</returns>
    public static IReadOnlyList<HeaderEdit> Fold(IEnumerable<IReadOnlyList<HeaderOperation>> operations)
    {
        ArgumentNullException.ThrowIfNull(operations);
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
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(then);
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

    /// <summary>What a header's values become.</summary>
    /// <param name="edit">The edit.</param>
    /// <param name="original">The values that came with the message, in order.</param>
    /// <returns>The new values; none when the header is to go.</returns>
    public static IReadOnlyList<string> Apply(HeaderEdit edit, IReadOnlyList<string> original)
    {
        ArgumentNullException.ThrowIfNull(edit);
        ArgumentNullException.ThrowIfNull(original);
        return !edit.KeepOriginal || original.Count == 0 ? edit.Values
            : edit.Values.Count == 0 ? original
            : [.. original, .. edit.Values];
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
