namespace Sidecar.Daemon.Cli.Help;

/// <summary>What a page of help shows under one heading.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Entries">A name each, with what it means.</param>
internal sealed record HelpSection(string Title, IReadOnlyList<HelpEntry> Entries);

/// <summary>One flag, key or command.</summary>
/// <param name="Name">How it is written, with what stands for its value.</param>
/// <param name="Text">What it means.</param>
/// <param name="Default">What counts without it; empty where nothing does.</param>
/// <param name="IsMarked">Whether it has a mark, which the page explains.</param>
internal sealed record HelpEntry(string Name, string Text, string Default = "", bool IsMarked = false);
