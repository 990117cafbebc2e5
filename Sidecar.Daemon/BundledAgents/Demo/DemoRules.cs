namespace Sidecar.Daemon.BundledAgents.Demo;

/// <summary>What the demo agent looks for and what it does then.</summary>
internal sealed record DemoRules
{
    /// <summary>Texts in path and query that block, each with its status.</summary>
    public IReadOnlyList<(string Text, int Status)> BlockPaths { get; init; } = [];

    /// <summary>Header names with texts that block.</summary>
    public IReadOnlyList<(string Name, string Value)> BlockHeaders { get; init; } = [];

    /// <summary>Texts in bodies that block.</summary>
    public IReadOnlyList<string> BlockBodies { get; init; } = [];

    /// <summary>Status of a block for a header or a body.</summary>
    public int BlockStatus { get; init; } = 403;

    /// <summary>Body of a block; null for the default page.</summary>
    public string? BlockPage { get; init; }

    /// <summary>Texts in the path with the URL to redirect to.</summary>
    public IReadOnlyList<(string Name, string Value)> Redirects { get; init; } = [];

    /// <summary>Texts in the path that are challenged.</summary>
    public IReadOnlyList<string> ChallengePaths { get; init; } = [];

    /// <summary>Request headers to set.</summary>
    public IReadOnlyList<(string Name, string Value)> SetHeaders { get; init; } = [];

    /// <summary>Request headers to remove.</summary>
    public IReadOnlyList<string> RemoveHeaders { get; init; } = [];

    /// <summary>Response headers to set.</summary>
    public IReadOnlyList<(string Name, string Value)> ResponseHeaders { get; init; } = [];

    /// <summary>How long to wait before every answer.</summary>
    public TimeSpan Delay { get; init; }
}
