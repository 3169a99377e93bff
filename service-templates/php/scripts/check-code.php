<?php
// The work of check-code, in the current folder. Every file is compiled by a process of its own, so that files that
// declare the same names do not disturb each other; forking is some ten times as fast as "php -l" per file.
declare(strict_types=1);

const MAX_FILES = 2000; // So that a large upload is not held up; more are not looked at.
const MAX_SECONDS = 25; // What is not looked at by then is taken for good.

$started = time();
$failed = false;
$names = [];
$every = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('.', FilesystemIterator::SKIP_DOTS));
foreach ($every as $file) {
    if ($file->isFile() && !$file->isLink() && $file->getExtension() === 'php') {
        $names[] = substr($file->getPathname(), 2);
    }
}
sort($names);
foreach (array_slice($names, 0, MAX_FILES) as $name) {
    if (time() - $started > MAX_SECONDS) {
        break;
    }
    $child = pcntl_fork();
    if ($child === 0) {
        exit(compiles($name) ? 0 : 1);
    }
    pcntl_waitpid($child, $status);
    $failed = $failed || $status !== 0;
}
exit($failed ? 1 : 0);

/** Whether a file compiles; if not, the reason is printed. */
function compiles(string $name): bool
{
    ob_start();
    try {
        $good = opcache_compile_file(realpath($name));
        preg_match('/^.* error: .*$/m', (string) ob_get_clean(), $found);
        $reason = $found[0] ?? 'Compile error: the file cannot be compiled in ' . $name;
    } catch (ParseError $error) {
        ob_end_clean();
        $good = false;
        $reason = "Parse error: {$error->getMessage()} in $name on line {$error->getLine()}";
    }
    if (!$good) {
        echo str_replace(getcwd() . '/', '', $reason), "\n";
    }
    return $good;
}
