using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Where the parts of a configuration were written. Filled while it is read, then only read.</summary>
internal sealed class Origins
{
    private readonly Dictionary<(Subject About, Setting? Setting), (SourcePosition? At, string Text)> _written = [];

    /// <summary>Notes a place in a file; the one noted last counts.</summary>
    /// <param name="about">What is said.</param>
    /// <param name="setting">Which setting of it; null for the thing itself.</param>
    /// <param name="at">Where.</param>
    public void Add(Subject about, Setting? setting, SourcePosition at) => _written[(about, setting)] = (at, at.ToString());

    /// <summary>Notes a flag or a variable of the environment, likewise.</summary>
    public void Add(Subject about, Setting? setting, string name) => _written[(about, setting)] = (null, name);

    /// <summary>The place in a file of a thing; null where it is in none.</summary>
    public SourcePosition? Find(Subject about) => _written.GetValueOrDefault((about, null)).At;

    /// <summary>Where a setting was written, or else the thing that it is of; null where neither was.</summary>
    public string? TextOf(Subject about, Setting? setting) =>
        _written.TryGetValue((about, setting), out var own) ? own.Text : _written.GetValueOrDefault((about, null)).Text;
}
